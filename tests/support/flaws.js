// What a screen reader or keyboard would miss.
() => {
  const found = []
  const all = selector => [...document.querySelectorAll(selector)]
  const one = (selector, what) => { if (all(selector).length !== 1) found.push(`not one ${what}`) }
  one('h1', 'h1'); one('main', 'main'); one('html[lang]', 'language'); one('head > title', 'title')
  const name = e => (e.getAttribute('aria-label') ||
    (e.getAttribute('aria-labelledby') || '').split(' ').map(id => document.getElementById(id)?.textContent).join(' ') ||
    e.textContent).trim()
  for (const e of all('a, button, summary')) if (!name(e)) found.push(`no name: ${e.outerHTML.slice(0, 80)}`)
  for (const e of all('nav, section, [role=region], svg[role=img]'))
    if (!e.hasAttribute('aria-label') && !name(e)) found.push(`no label: ${e.outerHTML.slice(0, 80)}`)
  for (const e of all('svg')) if (!e.getAttribute('role') && e.getAttribute('aria-hidden') !== 'true') found.push('svg that is read out')
  for (const e of all('input:not([type=hidden]), select'))
    if (!e.labels.length) found.push(`no label: ${e.name}`)
  for (const e of all('table')) {
    if (!e.caption?.textContent.trim()) found.push('table without caption')
    for (const th of e.querySelectorAll('th')) if (!th.scope) found.push(`th without scope: ${th.textContent}`)
  }
  const ids = all('[id]').map(e => e.id)
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) found.push(`id twice: ${id}`)
  const levels = all('h1, h2, h3').map(e => +e.tagName[1])
  levels.forEach((level, i) => { if (i && level > levels[i - 1] + 1) found.push('a heading level is left out') })
  return found
}
