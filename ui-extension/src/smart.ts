// SMART App Launch 2 (hl7.org/fhir/smart-app-launch) as a public client: from the EHR's launch, or
// from here, to the identifiers of the patient in context. Nothing of the patient stands in an
// address or in storage, and the token lives only as long as the page needs it.

export class LaunchError extends Error {}

export interface SmartConfiguration {
  issuers: { issuer: string; clientId: string }[];
}

export interface Identifier {
  system: string;
  value: string;
}

interface Discovery {
  authorization_endpoint: string;
  token_endpoint: string;
}

interface Pending extends Discovery {
  issuer: string;
  clientId: string;
  verifier: string;
  redirectUri: string;
  startedAt: number;
}

const kPrefix = "fedpet-smart-";
const kLongestLogin = 15 * 60 * 1000;

const base64Url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const random = (): string => base64Url(crypto.getRandomValues(new Uint8Array(32)));

// RFC 7636, section 4.2.
export async function challengeOf(verifier: string): Promise<string> {
  return base64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

const withoutSlash = (address: string): string => address.replace(/\/+$/, "");

export function registered(configuration: SmartConfiguration, iss: string): { issuer: string; clientId: string } {
  const found = configuration.issuers.find((one) => withoutSlash(one.issuer) === withoutSlash(iss));
  if (!found) throw new LaunchError("This EHR is not on the list of those that may open fedpet (option Smart.Issuers). Ask whoever runs Orthanc.");
  return found;
}

async function askJson(what: string, address: string, init: RequestInit = {}): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(address, { cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer", ...init });
  } catch {
    throw new LaunchError(`${what} could not be asked: it does not answer, or does not allow pages of this address (CORS, option Smart.Origins).`);
  }
  if (!response.ok) throw new LaunchError(`${what} refused, with status ${response.status}.`);
  try {
    return await response.json();
  } catch {
    throw new LaunchError(`${what} gave an answer that is not JSON.`);
  }
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

// Credentials and codes travel over TLS, or stay on this machine.
function endpoint(discovery: unknown, key: string): string {
  const text = member(discovery, key);
  let url: URL;
  try {
    url = new URL(String(text));
  } catch {
    throw new LaunchError(`The EHR's SMART configuration has no ${key}.`);
  }
  const local = url.protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !local) throw new LaunchError(`The EHR's ${key} is not reached by HTTPS.`);
  return url.href;
}

async function discover(issuer: string): Promise<Discovery> {
  const answer = await askJson("The EHR's SMART configuration", `${withoutSlash(issuer)}/.well-known/smart-configuration`,
    { headers: { Accept: "application/json" } });
  const methods = member(answer, "code_challenge_methods_supported");
  if (!Array.isArray(methods) || !methods.includes("S256")) throw new LaunchError("The EHR's login does not support PKCE with S256.");
  return { authorization_endpoint: endpoint(answer, "authorization_endpoint"), token_endpoint: endpoint(answer, "token_endpoint") };
}

// Where the browser has to go to log in. `launch`: what the EHR has given, null when we begin.
export async function begin(configuration: SmartConfiguration, iss: string, launch: string | null, redirectUri: string): Promise<string> {
  if (!crypto.subtle) throw new LaunchError("This page has to be opened by HTTPS.");
  const { issuer, clientId } = registered(configuration, iss);
  const found = await discover(issuer);
  const state = random(), verifier = random();
  const pending: Pending = { ...found, issuer, clientId, verifier, redirectUri, startedAt: Date.now() };
  sessionStorage.setItem(kPrefix + state, JSON.stringify(pending));
  const url = new URL(found.authorization_endpoint);
  const parameters: Record<string, string> = {
    response_type: "code", client_id: clientId, redirect_uri: redirectUri, state, aud: iss,
    scope: `${launch === null ? "launch/patient" : "launch"} patient/Patient.rs`,
    code_challenge: await challengeOf(verifier), code_challenge_method: "S256",
  };
  if (launch !== null) parameters.launch = launch;
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  return url.href;
}

// A state is good once, in the tab that has made it.
function takePending(state: string): Pending {
  const text = sessionStorage.getItem(kPrefix + state);
  sessionStorage.removeItem(kPrefix + state);
  const pending = text === null ? null : (JSON.parse(text) as Pending);
  if (!pending || Date.now() - pending.startedAt > kLongestLogin)
    throw new LaunchError("This login was not begun in this tab, was finished before, or took too long. Open fedpet from the EHR again.");
  return pending;
}

function identifiersOf(patient: unknown): Identifier[] {
  const list = member(patient, "identifier");
  if (member(patient, "resourceType") !== "Patient" || !Array.isArray(list)) return [];
  return list.filter((one) => member(one, "use") !== "old")
    .map((one) => ({ system: String(member(one, "system") ?? ""), value: String(member(one, "value") ?? "") }))
    .filter((one) => one.system && one.value);
}

// Back from the login: the identifiers of the patient in context.
export async function finish(parameters: URLSearchParams): Promise<Identifier[]> {
  const pending = takePending(parameters.get("state") ?? "");
  const error = parameters.get("error");
  if (error) throw new LaunchError(`The EHR's login refused (${error.slice(0, 60)}).`);
  const token = await askJson("The EHR's login", pending.token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code", code: parameters.get("code") ?? "", redirect_uri: pending.redirectUri,
      client_id: pending.clientId, code_verifier: pending.verifier,
    }),
  });
  const access = member(token, "access_token"), patient = member(token, "patient");
  if (typeof access !== "string" || !access) throw new LaunchError("The EHR's login gave no token.");
  if (typeof patient !== "string" || !patient) throw new LaunchError("No patient is open in the EHR. Choose one and open fedpet again.");
  const record = await askJson("The EHR's patient record", `${withoutSlash(pending.issuer)}/Patient/${encodeURIComponent(patient)}`,
    { headers: { Accept: "application/fhir+json", Authorization: `Bearer ${access}` } });
  if (member(record, "id") !== patient) throw new LaunchError("The EHR gave the record of another patient.");
  const identifiers = identifiersOf(record);
  if (!identifiers.length) throw new LaunchError("The patient has no identifier in the EHR by which images could be found.");
  return identifiers;
}
