'use strict';
// Shows openapi.json. All texts are set as text, never as markup.
const make = (name, text, ...children) => {
  const node = document.createElement(name);
  if (text) node.textContent = text;
  node.append(...children);
  return node;
};

fetch('openapi.json').then((answer) => answer.json()).then((doc) => {
  const schema = (s) => (s && s.$ref ? doc.components.schemas[s.$ref.split('/').pop()] : s) || {};
  const kind = (s) => {
    const is = schema(s);
    if (is.enum) return is.enum.join(' | ');
    if (is.type === 'array' || (is.items && !is.properties)) return 'list of ' + kind(is.items);
    if (s && s.$ref) return s.$ref.split('/').pop();
    return [].concat(is.type || 'any').join(' or ');
  };
  const rows = (list) => {
    const table = make('table');
    for (const [name, what, text, required] of list) {
      table.append(make('tr', '', make('td', '', make('code', name)), make('td', what + (required ? ', required' : '')), make('td', text || '')));
    }
    return table;
  };
  const fields = (s, depth = 0) => {
    const is = schema(s);
    const of = is.items ? schema(is.items) : is;
    return Object.entries(of.properties || {}).flatMap(([name, p]) => [
      ['\u00a0'.repeat(2 * depth) + name, kind(p), p.description || schema(p).description, (of.required || []).includes(name)],
      ...(depth < 2 ? fields(p, depth + 1) : []),
    ]);
  };
  const body = (content) => Object.values(content || {})[0]?.schema;

  document.getElementById('about').textContent = doc.info.description;
  const sections = new Map();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(item)) {
      const details = make('details', '', make('summary', '', make('span', method.toUpperCase()), make('code', path), make('span', ' – ' + op.summary)));
      details.querySelector('span').className = 'method';
      details.append(make('p', op.description || ''));
      if (op.parameters) details.append(make('h4', 'Parameters'), rows(op.parameters.map((p) => [p.name, p.in + ', ' + kind(p.schema), p.description, p.required])));
      const asked = body(op.requestBody?.content);
      if (asked) details.append(make('h4', 'Body'), rows(fields(asked)));
      for (const [status, answer] of Object.entries(op.responses)) {
        details.append(make('h4', status + ' ' + (answer.description || '')));
        if (status < 300 && body(answer.content)) details.append(rows(fields(body(answer.content))));
      }
      const tag = (op.tags || ['other'])[0];
      if (!sections.has(tag)) sections.set(tag, make('section', '', make('h2', tag)));
      sections.get(tag).append(details);
    }
  }
  document.getElementById('operations').append(...sections.values());
}).catch(() => {
  document.getElementById('about').textContent = 'openapi.json could not be read; load the page again.';
});
