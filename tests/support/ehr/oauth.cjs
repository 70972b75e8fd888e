// A FHIR server's door: a real OAuth 2 authorization server (oidc-provider) that takes
// private_key_jwt, SMART discovery that names it, and one resource behind it. On 127.0.0.1 only.
'use strict';

const fs = require('fs');
const http = require('http');

const HELP = `Usage: node oauth.cjs --jwks FILE [--scope "SCOPES"] [--token-life N] [--stop-with-stdin]
  --jwks FILE    public key (JWKS) of the client "fedpet-test"
  --scope TEXT   what this client may ask for, separated by spaces ("system/Patient.rs")
  --token-life N a token is good for N seconds (300)
The first line printed is "listening on http://127.0.0.1:PORT/fhir"; GET /fhir/Patient needs a token.
`;

const options = { scope: 'system/Patient.rs', tokenLife: 300 };
for (const args = process.argv.slice(2); args.length > 0;) {
  const name = args.shift();
  if (name === '--jwks') options.jwks = args.shift();
  else if (name === '--scope') options.scope = args.shift();
  else if (name === '--token-life') options.tokenLife = Number(args.shift());
  else if (name === '--stop-with-stdin') process.stdin.resume().on('end', () => process.exit(0));
  else {
    console.log(HELP);
    process.exit(name === '--help' ? 0 : 2);
  }
}

function configuration() {
  return {
    clients: [{
      client_id: 'fedpet-test',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: JSON.parse(fs.readFileSync(options.jwks, 'utf8')),
      scope: options.scope,
    }],
    // Known to the server, whoever may ask for them: an unknown scope is dropped, not refused.
    scopes: ['system/Patient.rs', 'system/Patient.read'],
    features: { clientCredentials: { enabled: true }, devInteractions: { enabled: false } },
    clientAuthMethods: ['private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['ES384', 'RS384'] },
    ttl: { ClientCredentials: () => options.tokenLife },
  };
}

async function main() {
  const { default: Provider } = await import('oidc-provider');
  let handle;
  const server = http.createServer((request, response) => handle(request, response));
  server.listen(0, '127.0.0.1', () => {
    const origin = `http://127.0.0.1:${server.address().port}`;
    const provider = new Provider(origin, configuration());
    const door = provider.callback();
    const send = (response, status, body) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    handle = async (request, response) => {
      if (request.url === '/fhir/.well-known/smart-configuration')
        return send(response, 200, { token_endpoint: `${origin}/token`, capabilities: [],
          token_endpoint_auth_methods_supported: ['private_key_jwt'] });
      if (!request.url.startsWith('/fhir/')) return door(request, response);
      const bearer = (request.headers.authorization || '').replace(/^Bearer /i, '');
      const token = bearer && await provider.ClientCredentials.find(bearer);
      if (!token || !token.isValid) return send(response, 401, { error: 'invalid_token' });
      return send(response, 200, { resourceType: 'Bundle', type: 'searchset', scope: token.scope });
    };
    console.log(`listening on ${origin}/fhir`);
  });
}

main();
