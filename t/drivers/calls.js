// What calls.py does, for Node: node calls.js DRIVER; pg or postgres.
const prepare = process.env.DB_PREPARE !== '0'

const drivers = {
  pg () {
    const { Pool } = require('pg')
    const pool = new Pool({ max: 1 })
    return async (text, values) =>
      (await pool.query({ text, values, rowMode: 'array', ...(prepare && { name: text.slice(0, 60) }) })).rows[0]
  },
  postgres () {
    const sql = require('postgres')({ max: 1, prepare })
    return async (text, values) => (await sql.unsafe(text, values, { prepare }).values())[0]
  }
}
const ask = drivers[process.argv[2]]()

async function tell (source, kind, user, ofText) {
  const call = (sql, ...values) => ask(sql.replaceAll('#', ''), values)
  const told = []
  try {
    const [token, id] = await call('SELECT token, token_id FROM tokenauth_issue($1#, $2)', user, source)
    told.push('issue')
    told.push(`resolve ${await call(`SELECT tokenauth_resolve($1, NULL::${source})::text`, token)}`)
    told.push(`identify ${(await call('SELECT status, user_id FROM tokenauth_identify($1)', token)).join(' ')}`)
    told.push(`bind ${await call('SELECT status FROM tokenauth_bind($1)', token)}`)
    told.push(`list ${await call('SELECT count(*) FROM tokenauth_list($1#, $2)', user, source)}`)
    const [next, nextId] = await call('SELECT token, token_id FROM tokenauth_rotate($1#, $2#, source => $3)',
      ofText(id), user, source)
    told.push(`rotate ${await call('SELECT status FROM tokenauth_identify($1)', token)}`)
    told.push(`revoke ${await call('SELECT tokenauth_revoke($1#, $2#)', ofText(nextId), user)}`)
    await call('SELECT tokenauth_issue($1#, $2)', user, source)
    told.push(`revoke_user ${await call('SELECT tokenauth_revoke_user($1#)', user)}`)
    told.push(`now ${await call('SELECT status FROM tokenauth_identify($1)', next)}`)
  } catch (error) {
    told.push(`FAILED ${error.code}: ${error.message}`)
  }
  console.log(`${kind}: ${told.join(', ')}`)
}

(async () => {
  const [inText] = await ask('SELECT position(CAST($1 AS text) IN current_query()) > 0', ['confidential'])
  console.log('parameters:', inText ? "in the statement's text" : 'separate')
  await tell('bigint', 'smallint', 5, Number)
  await tell('bigint', 'int', 70000, Number)
  await tell('bigint', 'bigint', 5000000000n, BigInt)
  await tell('uuid', 'uuid', '00000000-0000-4000-8000-00000000000a', String)
  await tell('text', 'text', 'ann', String)
  process.exit()
})()
