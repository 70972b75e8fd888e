import { assessmentAddress } from "./api";

async function show(): Promise<void> {
  const root = document.getElementById("app");
  const series = /^#\/series\/([0-9a-f-]+)$/.exec(location.hash)?.[1];
  if (!root || !series) return;
  const pre = document.createElement("pre");
  pre.textContent = await (await fetch(assessmentAddress(series))).text();
  root.replaceChildren(pre);
}
window.addEventListener("hashchange", () => void show());
void show();
