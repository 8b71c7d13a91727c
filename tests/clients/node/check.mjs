// Checks and their count. A check is a named async function that throws when it does not hold.
let passed = 0
let failed = 0

/** Runs a check and prints its line; what it returns is given back, undefined when it failed. */
export async function check(name, run) {
  try {
    const result = await run()
    passed++
    console.log(`ok    ${name}`)
    return result
  } catch (error) {
    failed++
    console.log(`FAIL  ${name}: ${error instanceof Error ? error.message : JSON.stringify(error)}`)
  }
}

/** Prints the count and sets the exit status. */
export function finish() {
  console.log(`${passed} passed, ${failed} failed`)
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1
}

export function that(condition, message) {
  if (!condition) throw new Error(message)
}

export function equal(actual, expected, what) {
  that(actual === expected, `${what} is ${JSON.stringify(actual)}, not ${JSON.stringify(expected)}`)
}

/** Checks an otpauth URI as an authenticator app would read it, and gives it back parsed. */
export function keyUri(text) {
  that(typeof text === 'string' && text.startsWith('otpauth://totp/'), `no key URI: ${JSON.stringify(text)}`)
  const uri = new URL(text)
  const label = decodeURIComponent(uri.pathname.replace(/^\/+(totp\/)?/, ''))
  const [issuer, account] = [label.slice(0, label.indexOf(':')), label.slice(label.indexOf(':') + 1)]
  that(/^[A-Z2-7]{32}$/.test(uri.searchParams.get('secret') ?? ''), 'the secret is not 20 bytes in base32')
  equal(uri.searchParams.get('issuer'), issuer, 'issuer parameter')
  that(!text.includes('+'), 'blanks must be %20: authenticator apps show a plus')
  return { text, issuer, account, secret: uri.searchParams.get('secret') }
}
