# Loads the generated types and reads back what they say of themselves:  call.rb FILE
require 'json'

# What the types need of the client library.
module ServiceStack
  module DTO
    def initialize(**members)
      members.each { |name, value| public_send("#{name}=", value) }
    end

    def to_h
      self.class.properties.to_h { |name, about| [about[:name], public_send(name)] }.compact
    end
  end

  %w[ResponseStatus ResponseError Authenticate AuthenticateResponse GetAccessToken GetAccessTokenResponse]
    .each { |name| const_set(name, Class.new) }
end
$LOADED_FEATURES << 'servicestack.rb'
module Kernel
  alias_method :require_library, :require
  def require(name) = name == 'servicestack' || require_library(name)
end

load ARGV.fetch(0)
request = GenerateTwoFactorAuthenticationKeyRequest.new(organisation_id: 'org_1')
expected = {
  request.to_h => { 'organisationId' => 'org_1' },
  request.get_method => 'PUT',
  request.get_type_name => 'GenerateTwoFactorAuthenticationKeyRequest',
  request.response_type => GenerateTwoFactorAuthenticationKeyResponse,
  GenerateTwoFactorAuthenticationKeyResponse.properties[:response_status][:type] => ServiceStack::ResponseStatus,
  request.is_a?(IPut) => true
}
expected.each { |is, should| raise "#{is.inspect} is not #{should.inspect}" unless is == should }
puts 'ruby: loaded'
