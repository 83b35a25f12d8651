// The notes API of app.py with fastify and pg: node app.js PORT; needs npm install fastify pg.
const { Pool } = require('pg')
const fastify = require('fastify')

// Through a pooler that does not keep prepared statements, leave the names out (DB_PREPARE=0).
const named = process.env.DB_PREPARE !== '0'
const pool = new Pool({ user: 'notes_api', max: 4 })
pool.on('error', error => console.error('database error', error.code))

class Refused extends Error {
  constructor (status, reason) { super(reason); this.status = status }
}

// One transaction for a request: who it is is bound to it, and policies ask for it.
async function serve (request, work, scope = null) {
  const client = await pool.connect()
  const query = async (name, text, values = []) =>
    (await client.query(named ? { name, text, values } : { text, values })).rows
  let broken
  try {
    await client.query('BEGIN')
    const [, token = null] = /^Bearer ([^ ]+)$/i.exec(request.headers.authorization ?? '') ?? []
    const [who] = await query('bind', 'SELECT * FROM tokenauth_bind($1, scope => $2)', [token, scope])
    if (who.status === 'forbidden') throw new Refused(403, 'forbidden')
    if (who.status !== 'valid') throw new Refused(401, who.status)
    const answer = await work(query, who)
    await client.query('COMMIT')
    return answer
  } catch (error) {
    await client.query('ROLLBACK').catch(e => { broken = e })
    throw error
  } finally {
    client.release(broken)
  }
}

const app = fastify()

app.setErrorHandler((error, request, reply) => {
  if (error instanceof Refused) {
    if (error.status === 401) reply.header('WWW-Authenticate', 'Bearer')
    return reply.code(error.status).send({ error: error.message })
  }
  if (error.code === 'P0002') return reply.code(404).send({ error: 'not found' }) // not his, or gone
  console.error('error', error.code ?? error.name) // no message: it may be of the database
  return reply.code(503).send({ error: 'unavailable' })
})

app.get('/notes', request => serve(request, query =>
  query('notes', 'SELECT id, body FROM note ORDER BY id LIMIT 50')))

app.post('/notes', request => serve(request, async query => (await query('note',
  'INSERT INTO note (body) VALUES ($1) RETURNING id, body', [request.body.body]))[0], 'write'))

app.get('/tokens', request => serve(request, (query, who) => query('list',
  'SELECT token_id, name, token_prefix, last_used_at FROM tokenauth_list($1)', [who.user_id])))

app.post('/tokens', request => serve(request, async (query, who) => (await query('issue',
  `SELECT token, token_id FROM tokenauth_issue($1, scope => $2, expires_in => '90 days',
      attributes => jsonb_build_object('name', $3::text))`,
  [who.user_id, who.scope, request.body.name ?? '']))[0]))

app.post('/tokens/:id/rotate', request => serve(request, async (query, who) => (await query('rotate',
  'SELECT token, token_id FROM tokenauth_rotate($1, $2)', [request.params.id, who.user_id]))[0]))

app.delete('/tokens/:id', request => serve(request, async (query, who) => (await query('revoke',
  'SELECT tokenauth_revoke($1, $2) AS revoked', [request.params.id, who.user_id]))[0]))

app.listen({ port: Number(process.argv[2]), host: '127.0.0.1' })
