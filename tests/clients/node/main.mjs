// Uses the service through @servicestack/client, as a TypeScript application would.
import { Authenticate, GenerateTwoFactorAuthenticationKeyRequest } from './dtos.mjs'
import { JsonApiClient, JsonServiceClient } from '@servicestack/client'
import { check, equal, finish, keyUri, that } from './check.mjs'
import { exchanges } from './exchanges.mjs'

const { BASE_URL, ORG, OTHER_ORG, USER_NAME, JOINED_NAME, PASSWORD, EXPIRED_TOKEN, CORS_ORIGIN } = process.env
const ROUTE = '/users/2fa/generate-key'

const client = () => new JsonServiceClient(BASE_URL)
const credentials = (userName = USER_NAME, password = PASSWORD) =>
  new Authenticate({ provider: 'credentials', userName, password })
const request = (organisationId = ORG) => new GenerateTwoFactorAuthenticationKeyRequest({ organisationId })

async function login(userName = USER_NAME) {
  const signedIn = client()
  return { client: signedIn, reply: await signedIn.post(credentials(userName)) }
}

/** Another client with the same session. */
function again(signedIn, into = client()) {
  into.cookies = { ...signedIn.cookies }
  return into
}

/** Runs `call`, which has to fail, and gives back the status and the error that the library saw. */
async function failure(on, call) {
  let status
  on.exceptionFilter = response => { status = response?.status }
  try {
    await call(on)
  } catch (error) {
    that(error?.responseStatus, `no responseStatus: ${error?.message ?? JSON.stringify(error)}`)
    return { status, ...error.responseStatus }
  } finally {
    on.exceptionFilter = null
  }
  throw new Error('the call succeeded')
}

const fieldError = error => error.errors?.find(field => field.fieldName === 'OrganisationId')

// ---- login
const signedIn = await check('login:credentials', async () => {
  const { client: on, reply } = await login()
  equal(reply.userName, USER_NAME, 'userName')
  for (const member of ['userId', 'sessionId', 'displayName', 'bearerToken', 'refreshToken']) {
    that(typeof reply[member] === 'string' && reply[member], `${member} is ${JSON.stringify(reply[member])}`)
  }
  equal(on.cookies['ss-id']?.value, reply.sessionId, 'cookie ss-id')
  that(on.cookies['ss-pid'], 'no cookie ss-pid')
  // The library cuts Set-Cookie at commas: an Expires would leave it with a cookie of its weekday.
  const odd = Object.keys(on.cookies).filter(name => !/^[A-Za-z][\w-]*$/.test(name))
  equal(odd.length, 0, `number of odd cookies (${odd})`)
  return { on, reply }
})
if (!signedIn) {
  finish()
  process.exit()
}
const { on: session, reply: tokens } = signedIn
const bearer = token => Object.assign(client(), { bearerToken: token })

await check('login:a stale bearer token does not stand in the way', async () => {
  const reply = await bearer(EXPIRED_TOKEN).post(credentials())
  equal(reply.userName, USER_NAME, 'userName')
})
await check('login:onAuthenticationRequired', async () => {
  const on = client()
  let asked = 0
  on.onAuthenticationRequired = async () => {
    asked++
    again(session, on)
  }
  keyUri((await on.put(request())).twoFactorUri)
  equal(asked, 1, 'number of times asked')
})
await check('login:logout ends the session', async () => {
  const { client: on } = await login()
  const copy = again(on)
  await on.post(new Authenticate({ provider: 'logout' }))
  equal((await failure(copy, c => c.put(request()))).status, 401, 'status afterwards')
})

// ---- the operation, typed
let first
await check('put:/api', async () => { first = keyUri((await session.put(request())).twoFactorUri) })
await check('put:send takes the verb from the DTO', async () => keyUri((await session.send(request())).twoFactorUri))
await check('put:every call makes a new key', async () => {
  const next = keyUri((await session.put(request())).twoFactorUri)
  that(next.secret !== first.secret, 'the same key twice')
})
await check('put:api() gives a result', async () => {
  const result = await session.api(request())
  that(result.succeeded, JSON.stringify(result.error))
  keyUri(result.response.twoFactorUri)
})
await check('put:/json/reply', async () => keyUri((await again(session).useBasePath('').put(request())).twoFactorUri))
await check('put:custom route', async () => keyUri((await session.putToUrl(ROUTE, request())).twoFactorUri))
await check('put:JsonApiClient sends its JSON as text', async () => {
  keyUri((await again(session, JsonApiClient.create(BASE_URL)).put(request())).twoFactorUri)
})
await check('put:organisation in the query string', async () => {
  const joined = (await login(JOINED_NAME)).client // without the argument: 400, see below
  keyUri((await joined.put(new GenerateTwoFactorAuthenticationKeyRequest(), { organisationId: ORG })).twoFactorUri)
})

// ---- other ways to authenticate
await check('bearer:token of the login', async () => keyUri((await bearer(tokens.bearerToken).put(request())).twoFactorUri))
await check('bearer:a good token counts beside a stale cookie', async () => {
  const on = bearer(tokens.bearerToken)
  on.cookies = { 'ss-id': { name: 'ss-id', value: 'gone' } }
  keyUri((await on.put(request())).twoFactorUri)
})
await check('basic:setCredentials', async () => {
  const on = client()
  on.setCredentials(USER_NAME, PASSWORD)
  keyUri((await on.put(request())).twoFactorUri)
})
await check('refresh:token from the body', async () => {
  const on = bearer(EXPIRED_TOKEN)
  on.refreshToken = tokens.refreshToken
  keyUri((await on.put(request())).twoFactorUri)
  that(on.bearerToken && on.bearerToken !== EXPIRED_TOKEN, 'no new bearer token')
  // The library keeps the token that it was given: the next refresh comes with the same one.
  on.bearerToken = EXPIRED_TOKEN
  keyUri((await on.put(request())).twoFactorUri)
})
await check('refresh:token from the cookie', async () => {
  const { reply } = await login()
  const on = client()
  on.cookies = Object.fromEntries(Object.entries({ 'ss-tok': EXPIRED_TOKEN, 'ss-reftok': reply.refreshToken })
    .map(([name, value]) => [name, { name, value }]))
  keyUri((await on.put(request())).twoFactorUri)
  that(on.cookies['ss-tok'].value !== EXPIRED_TOKEN, 'ss-tok was not renewed')
})

// ---- errors
await check('errors:not signed in', async () => {
  const error = await failure(client(), c => c.put(request()))
  equal(error.status, 401, 'status')
  equal(error.errorCode, 'Unauthorized', 'errorCode')
  equal(error.message, 'Not Authenticated', 'message')
})
for (const [what, userName, password] of [
  ['wrong password', USER_NAME, `${PASSWORD}-`], ['unknown user', `nobody-${USER_NAME}`, PASSWORD],
]) {
  await check(`errors:${what}`, async () => {
    const error = await failure(client(), c => c.post(credentials(userName, password)))
    equal(error.status, 401, 'status')
    equal(error.errorCode, 'Unauthorized', 'errorCode')
    equal(error.message, 'Invalid Username or Password', 'message')
  })
}
await check('errors:expired token', async () => {
  const error = await failure(bearer(EXPIRED_TOKEN), c => c.put(request()))
  equal(error.status, 401, 'status')
  equal(error.errorCode, 'TokenException', 'errorCode')
})
await check('errors:token that is none', async () => {
  equal((await failure(bearer('nonsense'), c => c.put(request()))).status, 401, 'status')
})
await check('errors:foreign and unknown organisation look alike', async () => {
  const foreign = await failure(session, c => c.put(request(OTHER_ORG)))
  const unknown = await failure(session, c => c.put(request('org_that_is_not_there')))
  equal(foreign.status, 403, 'status')
  equal(foreign.errorCode, 'Forbidden', 'errorCode')
  equal(JSON.stringify(unknown), JSON.stringify(foreign), 'the answer for an unknown organisation')
})
await check('errors:api() gives the error', async () => {
  const result = await session.api(request(OTHER_ORG))
  that(result.failed, 'it succeeded')
  equal(result.errorCode, 'Forbidden', 'errorCode')
})

// ---- fields
await check('fields:foreign organisation', async () => {
  const field = fieldError(await failure(session, c => c.put(request(OTHER_ORG))))
  that(field?.errorCode && field.message, `field error is ${JSON.stringify(field)}`)
})
await check('fields:malformed organisation', async () => {
  const error = await failure(session, c => c.put(request('x'.repeat(65))))
  equal(error.status, 400, 'status')
  that(fieldError(error)?.message, `field errors are ${JSON.stringify(error.errors)}`)
})
const joined = (await check('login:a second user', async () => login(JOINED_NAME)))?.client ?? client()
for (const [what, dto] of [['absent', {}], ['null', { organisationId: null }], ['empty', { organisationId: '' }]]) {
  const without = new GenerateTwoFactorAuthenticationKeyRequest(dto)
  await check(`fields:${what} organisation is the default one`, async () => {
    const key = keyUri((await session.put(without)).twoFactorUri)
    equal(key.issuer, first?.issuer, 'issuer')
  })
  await check(`fields:${what} organisation without a default one`, async () => {
    const error = await failure(joined, c => c.put(without))
    equal(error.status, 400, 'status')
    equal(error.errorCode, 'ValidationException', 'errorCode')
    that(fieldError(error)?.message, `field errors are ${JSON.stringify(error.errors)}`)
  })
}

// ---- batch and one-way: the library always POSTs them, and the operation has PUT only
const overriding = () => {
  const on = again(session)
  on.headers.set('X-Http-Method-Override', 'PUT')
  return on
}
for (const [path, name] of [['api', '/api'], ['', '/json/reply']]) {
  await check(`batch:sendAll to ${name} is refused like the original does`, async () => {
    const error = await failure(again(session).useBasePath(path), c => c.sendAll([request(), request()]))
    equal(error.status, 405, 'status')
    equal(error.errorCode, 'NotImplementedException', 'errorCode')
  })
  await check(`batch:sendAll to ${name} as PUT`, async () => {
    const replies = await overriding().useBasePath(path).sendAll([request(), request()])
    equal(replies.length, 2, 'number of replies')
    const [one, two] = replies.map(reply => keyUri(reply.twoFactorUri))
    that(one.secret !== two.secret, 'one key for two requests')
  })
}
for (const [path, name] of [['api', '/api'], ['', '/json/oneway']]) {
  await check(`oneway:publish to ${name} is refused like the original does`, async () => {
    const error = await failure(again(session).useBasePath(path), c => c.publish(request()))
    equal(error.status, 405, 'status')
    equal(error.errorCode, 'NotImplementedException', 'errorCode')
  })
  await check(`oneway:publish to ${name} as PUT`, () => overriding().useBasePath(path).publish(request()))
}

// ---- what the library does not show
const cookie = Object.values(session.cookies).map(({ name, value }) => `${name}=${value}`).join('; ')
await exchanges(BASE_URL, cookie, {
  ORG, OTHER_ORG, USER_NAME, PASSWORD, CORS_ORIGIN,
  OP: 'GenerateTwoFactorAuthenticationKeyRequest',
  RES: 'GenerateTwoFactorAuthenticationKeyResponse',
  NS: 'http://schemas.datacontract.org/2004/07/Infrastructure.Api.Interfaces.ServiceOperations',
})
finish()
