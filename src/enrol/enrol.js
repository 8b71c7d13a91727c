// The page to enrol on. It speaks to the service's JSON operations and to nobody else, and draws the
// QR code itself: asking for the picture would make another key.
'use strict'

// ---- what the service is asked

/** Where the service is for this page: where its script is, perhaps below a path that a proxy adds. */
const service = new URL('.', document.currentScript.src)

/** Calls an operation; throws its refusal, an Error with `status` and the members of ResponseStatus. */
async function call(method, path, body) {
  let reply
  try {
    reply = await fetch(new URL(path, service), {
      method,
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
    })
  } catch {
    throw new Error('The service cannot be reached. Are you online?')
  }
  const answer = await reply.json().catch(() => ({}))
  if (reply.ok) return answer
  const status = answer.responseStatus ?? answer.ResponseStatus ?? {}
  const message = status.message || `The service answered ${reply.status}.`
  throw Object.assign(new Error(message), { ...status, message, status: reply.status })
}

/** A member of a reply, whichever case the host spells names in. */
const member = (reply, name) => reply[name] ?? reply[name[0].toUpperCase() + name.slice(1)]

const signIn = (userName, password) => call('POST', 'auth/credentials', { userName, password })
const signOut = () => call('POST', 'auth/logout', {})
const makeKey = organisationId => call('PUT', 'users/2fa/generate-key', { organisationId })
const verify = (organisationId, code) => call('PUT', 'users/2fa/verify', { organisationId, code })

// ---- the steps

const at = id => document.getElementById(id)
const steps = ['sign-in', 'key', 'code', 'done']
let organisation = ''

function show(step) {
  const index = steps.indexOf(step)
  for (const id of steps) at(id).hidden = id !== step
  for (const mark of document.querySelectorAll('[data-step]')) {
    const place = steps.indexOf(mark.dataset.step)
    mark.classList.toggle('past', place < index)
    if (place === index) mark.setAttribute('aria-current', 'step')
    else mark.removeAttribute('aria-current')
  }
  tell('')
  const first = at(step).querySelector('input:not([type=hidden])')
  // The heading first, where there is something to read before the field.
  ;(step === 'sign-in' ? first : at(step).querySelector('h2')).focus()
}

/** Says what went wrong, and at which field; nothing takes it back. */
function tell(message, field) {
  const alert = at('alert')
  for (const input of document.querySelectorAll('[aria-invalid]')) input.removeAttribute('aria-invalid')
  alert.hidden = !message
  alert.textContent = message
  if (message && field) {
    field.setAttribute('aria-invalid', 'true')
    field.focus()
  }
}

/** Runs a step of a form: one at a time, with what went wrong told. */
function onSubmit(id, run, blamed) {
  const form = at(id)
  form.addEventListener('submit', async event => {
    event.preventDefault()
    const button = form.querySelector('button:not([type=button])')
    if (button.disabled) return
    button.disabled = true
    at('status').textContent = 'One moment…'
    try {
      await run()
    } catch (error) {
      if (error.status === 401 && id !== 'sign-in' && error.errorCode !== 'TwoFactorRequired') {
        show('sign-in')
        tell('You are not signed in any more. Please sign in again.')
      } else {
        tell(error.message, at(blamed(error)))
      }
    } finally {
      at('status').textContent = ''
      button.disabled = false
    }
  })
}

onSubmit('sign-in', async () => {
  const reply = await signIn(at('user-name').value, at('password').value)
  at('password').value = ''
  at('signed-in-as').textContent = member(reply, 'displayName') || member(reply, 'userName')
  show('key')
}, () => 'password')

onSubmit('key', async () => {
  organisation = at('organisation').value.trim()
  if (!at('proof').hidden) await verify(organisation, at('proof-code').value)
  let reply
  try {
    reply = await makeKey(organisation)
  } catch (error) {
    if (error.errorCode === 'TwoFactorRequired') at('proof').hidden = false
    throw error
  }
  at('proof').hidden = true
  at('proof-code').value = ''
  showKey(member(reply, 'twoFactorUri'))
}, error => {
  const proved = error.errorCode === 'TwoFactorRequired' || error.errors?.some(one => one.fieldName === 'Code')
  return proved ? 'proof-code' : 'organisation'
})

onSubmit('code', async () => {
  const reply = await verify(organisation, at('first-code').value)
  at('first-code').value = ''
  if (member(reply, 'status') !== 'Confirmed') {
    throw new Error('This is a code of your former key. Type the one of the key you have just scanned.')
  }
  forget()
  show('done')
}, () => 'first-code')

function showKey(uri) {
  const secret = new URL(uri).searchParams.get('secret')
  at('qr').replaceChildren(picture(modules(uri)))
  at('secret').textContent = secret.match(/.{1,4}/g).join(' ')
  at('open').href = uri
  show('code')
}

/** The key stays on the page no longer than it is needed. */
function forget() {
  at('qr').replaceChildren()
  at('secret').textContent = ''
  at('open').removeAttribute('href')
}

at('again').addEventListener('click', () => {
  forget()
  show('key')
})
at('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText(at('secret').textContent.replaceAll(' ', ''))
  at('status').textContent = 'Copied.'
})
at('sign-out').addEventListener('click', async () => {
  await signOut().catch(() => {})
  show('sign-in')
})

// ---- the QR code (ISO/IEC 18004): bytes, error correction level M, the smallest version that fits

/** Of each version from 1: error-correction codewords in a block, and blocks (table 9, level M). */
const CORRECTION = [
  10, 16, 26, 18, 24, 16, 18, 22, 22, 26, 30, 22, 22, 24, 24, 28, 28, 26, 26, 26,
  26, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28, 28,
]
const BLOCKS = [
  1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16,
  17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49,
]

/** Rows and columns at whose crossings the alignment patterns stand. */
function alignments(version) {
  if (version === 1) return []
  const count = Math.floor(version / 7) + 2
  const last = version * 4 + 10
  const step = version === 32 ? 26 : Math.ceil((last - 6) / (count - 1) / 2) * 2
  const places = [6]
  for (let place = last; places.length < count; place -= step) places.splice(1, 0, place)
  return places
}

/** Codewords, data and correction, that a version holds. */
function capacity(version) {
  const size = version * 4 + 17
  const aligned = alignments(version).length
  let bits = size * size - 3 * 64 - 31 - 2 * (size - 16)
  if (aligned) bits -= (aligned * aligned - 3) * 25 - 2 * (aligned - 2) * 5
  if (version >= 7) bits -= 36
  return bits >> 3
}

/** Powers and logarithms of 2 in the field of 256 elements with the polynomial 0x11D. */
const POWERS = new Uint8Array(255)
const LOGARITHMS = new Uint8Array(256)
for (let power = 0, value = 1; power < 255; power++) {
  POWERS[power] = value
  LOGARITHMS[value] = power
  value = (value << 1) ^ (value & 0x80 ? 0x11d : 0)
}
const product = (a, b) => (a && b ? POWERS[(LOGARITHMS[a] + LOGARITHMS[b]) % 255] : 0)

/** The Reed-Solomon codewords of a block. */
function correction(block, count) {
  let generator = [1]
  for (let power = 0; power < count; power++) {
    const next = [...generator, 0]
    generator.forEach((factor, i) => { next[i + 1] ^= product(factor, POWERS[power]) })
    generator = next
  }
  const rest = new Array(count).fill(0)
  for (const byte of block) {
    const lead = byte ^ rest.shift()
    rest.push(0)
    for (let i = 0; i < count; i++) rest[i] ^= product(generator[i + 1], lead)
  }
  return rest
}

/** The codewords of a text, in the order in which they are drawn, and the version that holds them. */
function codewords(text) {
  const bytes = new TextEncoder().encode(text)
  let version = 1
  const room = () => capacity(version) - CORRECTION[version - 1] * BLOCKS[version - 1]
  while (room() * 8 < 4 + (version < 10 ? 8 : 16) + bytes.length * 8) {
    if (++version > 40) throw new Error('The key is too long for a QR code.')
  }
  const bits = []
  const put = (value, length) => { while (length--) bits.push((value >> length) & 1) }
  put(4, 4)
  put(bytes.length, version < 10 ? 8 : 16)
  for (const byte of bytes) put(byte, 8)
  put(0, Math.min(4, room() * 8 - bits.length))
  put(0, -bits.length & 7)
  const data = []
  for (let i = 0; i < bits.length; i += 8) data.push(parseInt(bits.slice(i, i + 8).join(''), 2))
  for (let pad = 0xec; data.length < room(); pad ^= 0xec ^ 0x11) data.push(pad)
  const count = BLOCKS[version - 1]
  const short = Math.floor(data.length / count)
  const long = data.length % count
  const blocks = []
  for (let i = 0; i < count; i++) blocks.push(data.splice(0, short + (i >= count - long ? 1 : 0)))
  const corrections = blocks.map(block => correction(block, CORRECTION[version - 1]))
  const woven = lists => {
    const longest = Math.max(...lists.map(list => list.length))
    return Array.from({ length: longest }, (_, i) => lists.map(list => list[i])).flat().filter(x => x !== undefined)
  }
  return { version, words: [...woven(blocks), ...woven(corrections)] }
}

const MASKS = [
  (x, y) => (x + y) % 2, (x, y) => y % 2, x => x % 3, (x, y) => (x + y) % 3,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2, (x, y) => ((x * y) % 2) + ((x * y) % 3),
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2, (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2,
]

/** The modules of a text's code, row by row: true is dark. */
function modules(text) {
  const { version, words } = codewords(text)
  const size = version * 4 + 17
  const grid = Array.from({ length: size }, () => new Array(size))
  fixed(grid, version)
  const free = grid.map(row => row.map(() => false))
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) free[y][x] = grid[y][x] === undefined
  let bit = 0
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right = 5 // the column of the timing pattern
    for (let i = 0; i < size; i++) {
      const y = (right + 1) & 2 ? i : size - 1 - i
      for (const x of [right, right - 1]) {
        if (free[y][x]) grid[y][x] = Boolean((words[bit >> 3] >> (7 - (bit++ & 7))) & 1)
      }
    }
  }
  const masked = MASKS.map((mask, number) => {
    const copy = grid.map((row, y) => row.map((dark, x) => (free[y][x] ? dark !== (mask(x, y) === 0) : dark)))
    format(copy, number)
    return copy
  })
  return masked.reduce((best, next) => (penalty(next) < penalty(best) ? next : best))
}

/** Draws what does not depend on the text, and keeps the places of the format. */
function fixed(grid, version) {
  const size = grid.length
  for (let i = 0; i < size; i++) grid[6][i] = grid[i][6] = i % 2 === 0
  for (const [cx, cy] of [[3, 3], [size - 4, 3], [3, size - 4]]) {
    for (let dy = -4; dy <= 4; dy++) {
      for (let dx = -4; dx <= 4; dx++) {
        const ring = Math.max(Math.abs(dx), Math.abs(dy))
        if (grid[cy + dy] && cx + dx >= 0 && cx + dx < size) grid[cy + dy][cx + dx] = ring !== 2 && ring !== 4
      }
    }
  }
  const places = alignments(version)
  const last = places.length - 1
  places.forEach((cy, i) => places.forEach((cx, j) => {
    if ((i === 0 && j === 0) || (i === 0 && j === last) || (i === last && j === 0)) return
    for (let dy = -2; dy <= 2; dy++) {
      for (let dx = -2; dx <= 2; dx++) grid[cy + dy][cx + dx] = Math.max(Math.abs(dx), Math.abs(dy)) !== 1
    }
  }))
  format(grid, 0)
  if (version >= 7) {
    let rest = version
    for (let i = 0; i < 12; i++) rest = (rest << 1) ^ ((rest >> 11) * 0x1f25)
    const bits = (version << 12) | rest
    for (let i = 0; i < 18; i++) {
      const [a, b] = [size - 11 + (i % 3), Math.floor(i / 3)]
      grid[b][a] = grid[a][b] = Boolean((bits >> i) & 1)
    }
  }
}

/** Writes level (M is 0) and mask, twice, and the one module that is always dark. */
function format(grid, mask) {
  const size = grid.length
  let rest = mask
  for (let i = 0; i < 10; i++) rest = (rest << 1) ^ ((rest >> 9) * 0x537)
  const bits = ((mask << 10) | rest) ^ 0x5412
  for (let i = 0; i < 15; i++) {
    const dark = Boolean((bits >> i) & 1)
    const near = i < 6 ? i : i < 8 ? i + 1 : 14 - i + (i === 8 ? 1 : 0)
    if (i < 8) {
      grid[near][8] = dark
      grid[8][size - 1 - i] = dark
    } else {
      grid[8][near] = dark
      grid[size - 15 + i][8] = dark
    }
  }
  grid[size - 8][8] = true
}

/** How hard a code is to read (section 7.8.3): runs, squares, what looks like a finder, imbalance. */
function penalty(grid) {
  const size = grid.length
  let points = 0
  let dark = 0
  const lines = [...grid, ...grid.map((_, x) => grid.map(row => row[x]))].map(line => line.map(Number).join(''))
  for (const line of lines) {
    for (const run of line.match(/0{5,}|1{5,}/g) ?? []) points += run.length - 2
    points += 40 * [...line.matchAll(/(?=10111010000|00001011101)/g)].length
  }
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      if (grid[y][x]) dark++
      if (!y || !x) continue
      const one = grid[y][x]
      if (one === grid[y - 1][x] && one === grid[y][x - 1] && one === grid[y - 1][x - 1]) points += 3
    }
  }
  return points + 10 * Math.floor(Math.abs((dark * 20) / (size * size) - 10))
}

/** The modules as a picture, with the quiet zone of four modules. */
function picture(grid) {
  const space = 'http://www.w3.org/2000/svg'
  const svg = document.createElementNS(space, 'svg')
  const path = document.createElementNS(space, 'path')
  const size = grid.length + 8
  svg.setAttribute('viewBox', `0 0 ${size} ${size}`)
  svg.setAttribute('role', 'img')
  svg.setAttribute('aria-label', 'QR code of your key. The same key stands below as text.')
  svg.setAttribute('shape-rendering', 'crispEdges')
  path.setAttribute('fill', '#000')
  path.setAttribute('d', grid.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x + 4} ${y + 4}h1v1h-1z` : ''))).join(''))
  svg.append(path)
  return svg
}

show('sign-in')
