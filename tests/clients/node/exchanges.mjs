// The exchanges of exchanges.json, made with node's own HTTP client.
import http from 'node:http'
import { readFileSync } from 'node:fs'
import { check, equal, that } from './check.mjs'

const list = value => (Array.isArray(value) ? value : [value])

function send(base, { method, path, headers = {}, body }, cookie) {
  return new Promise((resolve, reject) => {
    const all = { ...headers }
    if (cookie) all.Cookie = cookie
    if (body !== undefined) all['Content-Length'] = Buffer.byteLength(body)
    const request = http.request(base + path, { method, headers: all, timeout: 30_000 }, response => {
      const chunks = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => resolve({
        status: response.statusCode,
        reason: response.statusMessage,
        headers: response.headers,
        names: response.rawHeaders.filter((_, index) => index % 2 === 0),
        body: Buffer.concat(chunks).toString('utf8'),
      }))
    })
    request.on('timeout', () => request.destroy(new Error('no reply within 30 seconds')))
    request.on('error', reject)
    request.end(body)
  })
}

function compare(reply, expected) {
  const shown = `${reply.status} ${reply.reason} ${reply.body.slice(0, 300)}`
  that(list(expected.status).includes(reply.status), `status is not ${expected.status}: ${shown}`)
  if (expected.reason) equal(reply.reason, expected.reason, 'reason phrase')
  if (expected.type) equal(reply.headers['content-type'], expected.type, 'Content-Type')
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    const actual = reply.headers[name.toLowerCase()]
    that(actual !== undefined, `no header ${name}`)
    const listed = String(actual).toLowerCase().split(',').map(item => item.trim())
    that(value === null || actual === value || listed.includes(value.toLowerCase()), `${name} is ${actual}, not ${value}`)
  }
  for (const name of expected.without ?? []) {
    that(reply.headers[name.toLowerCase()] === undefined, `${name} is ${reply.headers[name.toLowerCase()]}`)
  }
  for (const piece of expected.has ?? []) that(reply.body.includes(piece), `no ${piece} in ${shown}`)
  for (const piece of expected.lacks ?? []) that(!reply.body.includes(piece), `${piece} in ${shown}`)
  for (const name of reply.names) {
    that(name.split('-').every(part => /^[A-Z0-9]/.test(part)), `header name ${name} is not in Title-Case`)
  }
}

/** Makes every exchange; those that need a session are sent with `cookie`. */
export async function exchanges(base, cookie, values) {
  const text = readFileSync(new URL('exchanges.json', import.meta.url), 'utf8')
  const filled = (_, value) =>
    typeof value === 'string' ? value.replace(/\$([A-Z_]+)/g, (_, name) => values[name]) : value
  for (const row of JSON.parse(text, filled)) {
    await check(row.name, async () => compare(await send(base, row.request, row.auth === 'none' ? null : cookie), row.reply))
  }
}
