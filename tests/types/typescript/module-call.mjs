// The same with the JavaScript module, which needs no compiler.
import { JsonServiceClient } from '@servicestack/client'
import { Authenticate, GenerateTwoFactorAuthenticationKeyRequest, GenerateTwoFactorAuthenticationKeyResponse } from './module.mjs'

const { BASE_URL, ORG, USER_NAME: userName, PASSWORD: password } = process.env
const client = new JsonServiceClient(BASE_URL)
await client.send(new Authenticate({ provider: 'credentials', userName, password }))
const request = new GenerateTwoFactorAuthenticationKeyRequest({ organisationId: ORG })
if (!(request.createResponse() instanceof GenerateTwoFactorAuthenticationKeyResponse)) throw new Error('no response type')
const { twoFactorUri } = await client.send(request)
if (!/[?&]secret=[A-Z2-7]{32}(&|$)/.test(twoFactorUri)) throw new Error('no key')
console.log('mjs: a key was made')
