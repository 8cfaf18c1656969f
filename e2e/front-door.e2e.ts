import { request } from "node:http";
import { describe, expect, it } from "vitest";
import { e2e } from "./deployment.ts";
import { logIn } from "./operator.ts";

async function publishedOrigin(port: number): Promise<URL> {
  const { stdout } = await e2e.compose(["port", "netguard", String(port)]);
  return new URL(`http://${stdout.trim()}`);
}

/** A GET with a `Host` of one's choice, which fetch does not allow. */
async function getWithHost(url: URL, host: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const call = request(url, { headers: { host } }, (response) => {
    response.resume();
    resolve(response.statusCode ?? 0);
  });
  call.on("error", reject);
  call.end();
  return promise;
}

describe("front-door", () => {
  it("shows neither console nor logs without a login", async () => {
    for (const port of [8081, 8082]) {
      const response = await fetch(await publishedOrigin(port), { headers: { accept: "application/json" } });
      expect(response.status).toBe(401);
    }
    const api = await fetch(new URL("/api/approvals?state=open", await publishedOrigin(8082)));
    expect(api.status).toBe(401);
  });

  it("lets one login see console, approvals and logs", async () => {
    const session = await logIn(e2e);
    expect(await (await session.get("/")).text()).toContain("<title>");
    expect((await session.get("/api/approvals?state=open")).status).toBe(200);
    const logs = await fetch(await publishedOrigin(8081), { headers: { cookie: session.cookie } });
    expect(logs.status).toBe(200);
    expect(await logs.text()).toMatch(/stand-in|Dozzle/i);
  });

  it("takes a login link once", async () => {
    const { stdout } = await e2e.claws(["login"]);
    const url = new URL(/http:\S+/.exec(stdout)?.[0] ?? "");
    const use = () =>
      fetch(new URL("/login", url), {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ token: url.hash.slice(1) }),
        redirect: "manual",
      });
    const answers = await Promise.all(Array.from({ length: 5 }, use));
    expect(answers.filter((answer) => answer.headers.getSetCookie().length > 0).length).toBe(1);
  });

  it("refuses names that a rebinding attacker would use, and requests from other sites", async () => {
    expect(await getWithHost(await publishedOrigin(8082), "evil.example")).toBeGreaterThanOrEqual(400);
    const session = await logIn(e2e);
    const forged = await session.post(
      "/api/approvals/00000000-0000-4000-8000-000000000000/decision",
      {},
      { origin: "http://evil.example" },
    );
    expect(forged.status).toBe(403);
  });

  it("has no default route", async () => {
    const { stdout } = await e2e.evaluate(
      "front-door",
      `
      import { readFileSync } from "node:fs";
      console.log(readFileSync("/proc/net/route", "utf8").split("\\n").filter((line) => line.split("\\t")[1] === "00000000").length);`,
    );
    expect(stdout.trim()).toBe("0");
  });
});
