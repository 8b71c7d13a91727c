// The DTOs in the shape that `/types/mjs` gives them.
export class GenerateTwoFactorAuthenticationKeyResponse {
  responseStatus
  twoFactorUri
  constructor(init) { Object.assign(this, init) }
}

export class GenerateTwoFactorAuthenticationKeyRequest {
  organisationId
  constructor(init) { Object.assign(this, init) }
  getTypeName() { return 'GenerateTwoFactorAuthenticationKeyRequest' }
  getMethod() { return 'PUT' }
  createResponse() { return new GenerateTwoFactorAuthenticationKeyResponse() }
}

export class AuthenticateResponse {
  constructor(init) { Object.assign(this, init) }
}

export class Authenticate {
  constructor(init) { Object.assign(this, init) }
  getTypeName() { return 'Authenticate' }
  getMethod() { return 'POST' }
  createResponse() { return new AuthenticateResponse() }
}
