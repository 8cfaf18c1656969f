import { assert, constantFrom, integer, property, string, stringMatching } from "fast-check";
import { describe, expect, it } from "vitest";
import { findNameIndicator, findTypeIndicator } from "./name-indicators.ts";

const SEED = { seed: 20_260_302 };
const indicatorOf = (name: string) => findNameIndicator(name.split("."));

describe("a name", () => {
  it("is none if it is the root", () => expect(findNameIndicator([])).toBeUndefined());

  it.each([
    "allowed.test",
    "a.wild.test",
    "registry.npmjs.org",
    "files.pythonhosted.org",
    "objects.githubusercontent.com",
    "production.cloudflare.docker.com",
    "d111111abcdef8.cloudfront.net",
    "d2q3n4p5r6s7t8.cloudfront.net",
    "ec2-198-51-100-1.compute-1.amazonaws.com",
    "ec2-198-151-100-101.compute-1.amazonaws.com",
    "server-13-224-1-100.fra2.r.cloudfront.net",
    "a104-96-101-102.deploy.static.akamaitechnologies.com",
    "e12345.dscb.akamaiedge.net",
    "my-load-balancer-1234567890.us-east-1.elb.amazonaws.com",
    "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "s3.dualstack.us-west-2.amazonaws.com",
    "bedrock-runtime.us-east-1.amazonaws.com",
    "rr5---sn-4g5lznez.googlevideo.com",
    "us-central1-aiplatform.googleapis.com",
    "storage2024backupproduction.blob.core.windows.net",
    "onedriveclubproddm20024.blob.core.windows.net",
    "myapp2-v3-us-east-1-prod4.internal.example",
    "dualstack.com.imgix.map.fastly.net",
    "xn--bcher-kva.example",
    "xn--vermgensberatung-pwb.example",
    "xn--fiqs8s",
    "xn--clchc0ea0b2g2a9gcd.xn--mgberp4a5d4a87g",
    "internationalization-guidelines.example",
    "thequickbrownfoxjumpsoverthelazydog.example",
    "_https._tcp.deb.debian.org",
    "1.0.0.127.in-addr.arpa",
    `${"0.".repeat(31)}1.ip6.arpa`,
    `${"a".repeat(40)}.example`,
  ])("that people give is none: %s", (name) => expect(indicatorOf(name)).toBeUndefined());

  it.each([
    ["long_label", `${"a".repeat(41)}.wild.test`],
    ["long_label", `wild.test.${"b".repeat(63)}`],
    ["long_name", `${"word.".repeat(24)}test`],
    ["encoded_label", "deadbeef0badf00d.wild.test"],
    ["encoded_label", "4d79207365637265742069732034322e.evil.test"],
    ["encoded_label", "3fa85f64-5717-4562-b3fc-2c963f66afa6.wild.test"],
    ["encoded_label", "1234567890123456.wild.test"],
    ["encoded_label", "jbsw-y3dp-eblw-64tm-mqqq-2a7b.wild.test"],
    ["encoded_label", "c23b2la0kl1krjcrdj10cndmnioyyyyyn.evil.test"],
    ["encoded_label", "mfzwizltoq3tmzdb2nshi5lt.wild.test"],
    ["encoded_label", "U2VjcmV0IGtleSBpcyA0Mg.wild.test"],
    ["encoded_label", "xn--4d79207365637265.wild.test"],
    ["encoded_label", "www.b7c3e1a90d5f2846.cdn.wild.test"],
    ["high_entropy_label", "yokjggentipicn2j7cxbhqv.wild.test"],
    ["odd_bytes", "YWJj+/==.wild.test"],
    ["odd_bytes", "evil\0.wild.test"],
    ["odd_bytes", "\u00ffbinary\u0080.wild.test"],
    ["odd_bytes", "bücher.wild.test"],
    ["odd_bytes", "two words.wild.test"],
  ])("shows %s: %s", (indicator, name) => expect(indicatorOf(name)).toBe(indicator));

  it("shows itself when it holds printable text of 8 bytes or more in hexadecimal", () => {
    assert(
      property(string({ minLength: 8, maxLength: 31, unit: "grapheme-ascii" }), (text) => {
        expect(indicatorOf(`${Buffer.from(text).toString("hex")}.wild.test`)).toMatch(
          /^(?:encoded|long)_label$/,
        );
      }),
      SEED,
    );
  });

  it("of words, hyphens and a number at the end is none", () => {
    const word = constantFrom("api", "cdn", "prod", "eu", "west", "storage", "media", "backup", "origin");
    const number = integer({ min: 0, max: 9_999 });
    assert(
      property(word, word, word, number, (a, b, c, n) => {
        expect(indicatorOf(`${a}-${b}-${c}${n}.${b}${n}.example`)).toBeUndefined();
        expect(indicatorOf(`${a}${b}${c}${n}.${c}.example`)).toBeUndefined();
      }),
      SEED,
    );
  });

  it("of up to 15 characters is never one by its label", () => {
    assert(
      property(stringMatching(/^[a-z0-9-]{1,15}$/), (label) => {
        expect(indicatorOf(`${label}.example`)).toBeUndefined();
      }),
      SEED,
    );
  });
});

describe("a type", () => {
  it.each([
    ["A", 1],
    ["AAAA", 28],
    ["PTR", 12],
    ["SVCB", 64],
    ["HTTPS", 65],
  ])("%s is none", (_name, type) => expect(findTypeIndicator(type)).toBeUndefined());

  it.each([
    ["reserved", 0],
    ["NS", 2],
    ["CNAME", 5],
    ["SOA", 6],
    ["NULL", 10],
    ["MX", 15],
    ["TXT", 16],
    ["SRV", 33],
    ["NAPTR", 35],
    ["OPT", 41],
    ["DNSKEY", 48],
    ["TLSA", 52],
    ["CAA", 257],
    ["AXFR", 252],
    ["ANY", 255],
    ["private use", 65_280],
  ])("%s is one", (_name, type) => expect(findTypeIndicator(type)).toBe("data_type"));
});
