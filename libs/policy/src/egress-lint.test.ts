import type { EgressRule } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { lintEgressRules } from "./egress-lint.ts";
import { readHostPattern } from "./host-pattern.ts";
import { haveCommonHost } from "./label-pattern.ts";
import * as lists from "./risky-hosts.ts";

const MODELS = [{ baseUrl: "mock" }, { baseUrl: "https://llm.example.org:8443/v1" }];

function codesOf(...rules: Partial<EgressRule>[]): string[] {
  const full = rules.map((rule, index) => ({
    action: "allow" as const,
    host: "docs.example.net",
    port: 443,
    key: `egress.rules[${index}]`,
    ...rule,
  }));
  return lintEgressRules(full, { models: MODELS }).map(({ key, code }) => `${key.slice(13, -1)} ${code}`);
}

describe("the linter refuses", () => {
  it.each([
    ["api.openai.com", "model_provider"],
    ["eu.api.openai.com", "model_provider"],
    ["mine.openai.azure.com", "model_provider"],
    ["us-central1-aiplatform.googleapis.com", "model_provider"],
    ["bedrock-runtime.us-east-1.amazonaws.com", "model_provider"],
    ["*.anthropic.com", "model_provider"],
    ["**.openai.com", "model_provider"],
    ["*.api.openai.com", "model_provider"],
    ["*.openai.azure.com", "model_provider"],
    ["*.amazonaws.com", "shared_domain"],
    ["**.eu-west-1.amazonaws.com", "model_provider shared_domain"],
    ["*.s3.amazonaws.com", "shared_domain"],
    ["*.s3.eu-west-1.amazonaws.com", "shared_domain"],
    ["**.googleapis.com", "model_provider shared_domain"],
    ["*.github.io", "shared_domain"],
    ["*.githubusercontent.com", "shared_domain drop"],
    ["*.blob.core.windows.net", "shared_domain"],
    ["*.azurewebsites.net", "shared_domain"],
    ["*.scm.azurewebsites.net", "shared_domain"],
    ["*.workers.dev", "shared_domain"],
    ["*.pages.dev", "shared_domain"],
    ["*.r2.dev", "shared_domain"],
    ["*.r2.cloudflarestorage.com", "shared_domain"],
    ["*.herokuapp.com", "shared_domain"],
    ["*.vercel.app", "shared_domain"],
    ["*.netlify.app", "shared_domain"],
    ["*.firebaseio.com", "shared_domain"],
    ["*.web.app", "shared_domain"],
    ["*.ngrok-free.app", "shared_domain drop"],
    ["*.trycloudflare.com", "shared_domain drop"],
    ["*.cloudfront.net", "shared_domain"],
    ["*.fly.dev", "shared_domain"],
    ["*.onrender.com", "shared_domain"],
    ["*.blogspot.com", "shared_domain"],
    ["*.slack.com", "shared_domain drop"],
    ["*.com", "public_suffix"],
    ["**.co.uk", "public_suffix"],
    ["*.com.br", "public_suffix"],
    ["pastebin.com", "drop"],
    ["transfer.sh", "drop"],
    ["webhook.site", "drop"],
    ["file.io", "drop"],
    ["0x0.st", "drop"],
    ["gist.github.com", "drop"],
    ["a.b.oast.pro", "drop"],
    ["hooks.slack.com", "drop"],
    ["storage.googleapis.com", "shared_host"],
    ["s3.eu-west-1.amazonaws.com", "shared_host"],
    ["dns.google", "dns_over_https"],
    ["cloudflare-dns.com", "dns_over_https"],
    ["mozilla.cloudflare-dns.com", "dns_over_https"],
    ["one.one.one.one", "dns_over_https"],
    ["dns.quad9.net", "dns_over_https"],
    ["doh.example.net", "dns_over_https"],
    ["1.1.1.1", "dns_over_https"],
    ["8.8.8.8", "dns_over_https"],
    ["[2606:4700:4700::1111]", "dns_over_https"],
    ["cloudflare-ech.com", "ech_front"],
    ["registry.npmjs.org", "publishing_registry"],
    ["upload.pypi.org", "publishing_registry"],
    ["llm.example.org", "own_model"],
    ["*.example.org", "own_model"],
    ["**.org", "own_model"],
  ])("%s: %s", (host, codes) => {
    expect(codesOf({ host })).toEqual(codes.split(" ").map((code) => `0 ${code}`));
    expect(codesOf({ host, action: "ask" })).toEqual(codes.split(" ").map((code) => `0 ${code}`));
    expect(codesOf({ host, action: "deny" })).toEqual([]);
  });
});

describe("the linter passes", () => {
  it.each([
    "docs.python.org",
    "*.python.org",
    "**.example.net",
    "bucket.s3.eu-west-1.amazonaws.com",
    "**.d.c.b.a.amazonaws.com",
    "me.github.io",
    "**.me.github.io",
    "maps.googleapis.com",
    "files.pythonhosted.org",
    "pypi.org",
    "api.openai.com.example.net",
    "xapi.openai.com",
    "notpastebin.com",
    "mydoh.example.net",
    "example.co.uk",
    "*.example.co.uk",
    "93.184.216.34",
  ])("%s", (host) => expect(codesOf({ host })).toEqual([]));

  it.each<[string, Partial<EgressRule>[]]>([
    ["storage by path", [{ host: "storage.googleapis.com", inspect: true, paths: ["/our-bucket/"] }]],
    ["a registry to read from", [{ host: "registry.npmjs.org", inspect: true, methods: ["GET", "HEAD"] }]],
    [
      "a wildcard whose risk is denied",
      [{ host: "*.example.org" }, { action: "deny", host: "llm.example.org" }],
    ],
  ])("%s", (_what, rules) => expect(codesOf(...rules)).toEqual([]));

  it.each<[string, Partial<EgressRule>[], string]>([
    ["all paths", [{ host: "storage.googleapis.com", inspect: true, paths: ["/"] }], "0 shared_host"],
    [
      "methods that write",
      [{ host: "registry.npmjs.org", inspect: true, methods: ["GET", "PUT"] }],
      "0 publishing_registry",
    ],
    [
      "a risk denied on another port",
      [{ host: "*.example.org" }, { action: "deny", host: "llm.example.org", port: 80 }],
      "0 own_model",
    ],
    [
      "a risk denied in part",
      [{ host: "*.example.org" }, { action: "deny", host: "llm.example.org", methods: ["POST"] }],
      "0 own_model",
    ],
  ])("but not %s", (_what, rules, code) => expect(codesOf(...rules)).toEqual([code]));
});

describe("a remark", () => {
  it("can be acknowledged, but for one on the profile's own models", () => {
    const rule = (host: string) => ({ action: "allow" as const, host, port: 443, key: "k" });
    const found = lintEgressRules([rule("llm.example.org"), rule("api.openai.com")], { models: MODELS });
    expect(found.map(({ canBeAcknowledged }) => canBeAcknowledged)).toEqual([false, true]);
  });
});

describe("the lists of risky hosts", () => {
  const { SHARED_DOMAINS, TWO_LABEL_SUFFIXES, ...patterns } = lists;
  it.each(Object.entries(patterns))("%s holds patterns in their canonical form, each once", (_name, list) => {
    expect(new Set(list).size).toBe(list.length);
    for (const pattern of list)
      expect(readHostPattern(pattern.replace(/^\*\*\./, "").replaceAll("*", "x"))).toMatchObject({
        ok: true,
      });
  });

  it.each([...Object.keys(SHARED_DOMAINS), ...TWO_LABEL_SUFFIXES])("%s is a domain", (domain) => {
    expect(readHostPattern(domain)).toMatchObject({ ok: true, pattern: { kind: "exact" } });
  });
});

describe("two patterns", () => {
  it.each([
    ["a.b", "a.b", true],
    ["*.b", "a.b", true],
    ["*.b", "x.a.b", false],
    ["**.b", "x.a.b", true],
    ["**.b", "b", false],
    ["*.b", "*.b", true],
    ["**.b", "*.a.b", true],
    ["*.b", "**.a.b", false],
    ["**.a.b", "**.b", true],
    ["*.c.d", "x.*.d", true],
    ["q-1.d", "q-*.d", true],
    ["q.d", "q-*.d", false],
    ["*.d", "*-q.d", true],
    ["1.1.1.1", "1.1.1.1", true],
    ["[::1]", "[::1]", true],
  ])("%s and %s have a host in common: %s", (one, other, expected) => {
    expect(haveCommonHost(one, other)).toBe(expected);
    expect(haveCommonHost(other, one)).toBe(expected);
  });
});
