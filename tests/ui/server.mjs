// Plays Orthanc and the plugin for the page: the built assets with the headers that the plugin sends,
// and answers from memory. Loopback, a free port.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

const kTypes = { html: "text/html; charset=utf-8", js: "text/javascript; charset=utf-8", css: "text/css; charset=utf-8", svg: "image/svg+xml" };

// One grey pixel.
const kPicture = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==", "base64");

// The policy stands in the C++ header that the plugin includes: it is read from there, not repeated.
export async function contentSecurityPolicy(sourceDir) {
  const header = await readFile(join(sourceDir, "ui-extension/WebAssets.h"), "utf8");
  const [, literals] = /kContentSecurityPolicy =\s*((?:"[^"]*"\s*)+);/.exec(header);
  return [...literals.matchAll(/"([^"]*)"/g)].map((match) => match[1]).join("");
}

// `world`: { assessments: {id: object}, jobs: [...], status, series: {id: {ParentStudy}}, studies, summaries: [...],
// instances: {uid: id}, studyUids: {uid: id}, studySeries: {studyId: [{ID, MainDicomTags}]}, frames: {id: count}, pageSize };
// `world.asked` counts how often each picture was asked for.
// `assessmentAnswer` and `assessAnswer`, [status, body], stand in for the plugin's own answers while they are set.
// `prefix`: where a reverse proxy has put Orthanc, "" or "/pacs".
export async function startServer({ appDir, sourceDir, world, prefix = "" }) {
  const policy = await contentSecurityPolicy(sourceDir);
  const retried = [];
  const bodyOf = async (request) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    return text;
  };
  const server = createServer(async (request, response) => {
    const send = (status, type, body) => {
      response.writeHead(status, { "Content-Type": type, "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff" });
      response.end(body);
    };
    const json = (value) => (value === undefined ? send(404, "application/json", "{}") : send(200, "application/json", JSON.stringify(value)));
    const { pathname, searchParams } = new URL(request.url, "http://loopback");
    if (!pathname.startsWith(`${prefix}/`)) return send(404, "text/plain", "outside the prefix");
    const path = pathname.slice(prefix.length);
    let match;
    if ((match = /^\/fedpet\/app\/([a-z.]+)$/.exec(path))) {
      try {
        return send(200, kTypes[match[1].split(".").pop()], await readFile(join(appDir, match[1])));
      } catch {
        return send(404, "text/plain", "no such asset");
      }
    }
    const scripted = ([status, body]) => send(status, "application/json", typeof body === "string" ? body : JSON.stringify(body));
    if ((match = /^\/fedpet\/assessments\/([^/]+)$/.exec(path)))
      return world.assessmentAnswer ? scripted(world.assessmentAnswer) : json(world.assessments[match[1]]);
    if (path === "/fedpet/jobs") {
      const wanted = (item) => [["series", item.orthancSeriesId], ["state", item.state]].every(([key, value]) =>
        searchParams.get(key) === null || searchParams.get(key) === value);
      const before = Number(searchParams.get("before") ?? Infinity);
      const jobs = world.jobs.filter((item) => wanted(item) && item.id < before);
      const page = jobs.slice(0, world.pageSize ?? 100);
      return json({ jobs: page, nextBefore: page.length < jobs.length ? page.at(-1).id : null });
    }
    if ((match = /^\/fedpet\/series\/([^/]+)\/assess$/.exec(path)) && request.method === "POST") {
      (world.assessed ??= []).push(match[1]);
      return scripted(world.assessAnswer ?? [200, {}]);
    }
    if ((match = /^\/fedpet\/jobs\/([^/]+)\/retry$/.exec(path)) && request.method === "POST") {
      retried.push(match[1]);
      const job = world.jobs.find((item) => String(item.id) === match[1]);
      if (job) Object.assign(job, { state: "waiting", reason: null });
      return json({});
    }
    if (path === "/fedpet/federation") return json(world.membership);
    if ((match = /^\/fedpet\/federation\/plans\/([0-9a-f]+)$/.exec(path))) return json(world.planTexts?.[match[1]]);
    if ((match = /^\/fedpet\/federation\/plans\/([0-9a-f]+)\/(approve|reject)$/.exec(path)) && request.method === "POST") {
      (world.decisions ??= []).push({ hash: match[1], answer: match[2], ...JSON.parse(await bodyOf(request)) });
      return scripted(world.decisionAnswer ?? [200, {}]);
    }
    if (path === "/fedpet/federation/enrolment" && request.method === "POST") {
      (world.enrolments ??= []).push(JSON.parse(await bodyOf(request)));
      return scripted(world.enrolmentAnswer ?? [200, {}]);
    }
    if (path === "/fedpet/status") return json(world.status);
    if ((match = /^\/series\/([^/]+)$/.exec(path))) return json(world.series?.[match[1]]);
    if ((match = /^\/studies\/([^/]+)\/series$/.exec(path))) return json(world.studySeries?.[match[1]]);
    if ((match = /^\/instances\/([^/]+)\/frames$/.exec(path)))
      return json(world.frames?.[match[1]] && Array.from({ length: world.frames[match[1]] }, (_, frame) => frame));
    if ((match = /^\/instances\/([^/]+)\/frames\/(\d+)\/preview$/.exec(path))) {
      const frames = world.frames?.[match[1]] ?? 0;
      ((world.asked ??= {})[match[2]] ??= 0, ++world.asked[match[2]]);
      return Number(match[2]) < frames && !world.brokenFrames?.includes(Number(match[2])) ? send(200, "image/png", kPicture) : send(404, "text/plain", "no frame");
    }
    if ((match = /^\/studies\/([^/]+)$/.exec(path))) return json(world.studies?.[match[1]]);
    if (path === "/tools/bulk-content" && request.method === "POST") {
      const { Resources } = JSON.parse(await bodyOf(request));
      return world.summaries ? json(world.summaries.filter((item) => Resources.includes(item.ID))) : send(403, "text/plain", "forbidden");
    }
    if (path === "/tools/lookup" && request.method === "POST") {
      const uid = await bodyOf(request);
      const found = world.instances?.[uid], study = world.studyUids?.[uid];
      return json([...(found ? [{ ID: found, Path: `/instances/${found}`, Type: "Instance" }] : []),
        ...(study ? [{ ID: study, Path: `/studies/${study}`, Type: "Study" }] : [])]);
    }
    return send(404, "text/plain", "not found");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    retried,
    app: `http://127.0.0.1:${server.address().port}${prefix}/fedpet/app/index.html`,
    stop: () => new Promise((resolve) => {
      server.close(() => resolve()); // also resolves when it was stopped before
      server.closeAllConnections();
    }),
  };
}
