// Makes a key through the client library, with the types that the service generated.
import { JsonServiceClient } from '@servicestack/client'
import { Authenticate, AuthenticateResponse, GenerateTwoFactorAuthenticationKeyRequest } from './dtos.js'

const { BASE_URL, ORG, OTHER_ORG, USER_NAME: userName, PASSWORD: password } = process.env
const client = new JsonServiceClient(BASE_URL!)
const signedIn: AuthenticateResponse = await client.send(new Authenticate({ provider: 'credentials', userName, password }))
if (signedIn.userName !== userName) throw new Error(JSON.stringify(signedIn))

const { twoFactorUri } = await client.send(new GenerateTwoFactorAuthenticationKeyRequest({ organisationId: ORG }))
if (!/^otpauth:\/\/totp\/.*[?&]secret=[A-Z2-7]{32}(&|$)/.test(twoFactorUri ?? '')) throw new Error('no key')

const refused = await client.api(new GenerateTwoFactorAuthenticationKeyRequest({ organisationId: OTHER_ORG }))
if (refused.error?.errors?.[0]?.fieldName !== 'OrganisationId') throw new Error(JSON.stringify(refused))
console.log('typescript: a key was made, a refusal was understood')
