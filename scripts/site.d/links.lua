-- Links between documents lead to their pages; README.md is the index of its folder.
local function to_page(target)
	if target:match('^%a+:') or target:match('^#') then
		return target
	end
	target = target:gsub('README%.md', 'index.html'):gsub('%.md$', '.html'):gsub('%.md#', '.html#')
	return (target:gsub('/$', '/index.html'):gsub('^%.%.$', '../index.html')
		:gsub('(examples/rls)$', '%1/index.html'))
end

function Link(link)
	link.target = to_page(link.target)
	return link
end

-- Wide tables scroll by themselves.
function Table(tab)
	return pandoc.Div({tab}, {class = 'table'})
end
