import { ServerName, type ServerSpec } from "@claws/contracts";
import { describe, expect, it } from "vitest";
import { EngineError } from "./engine.ts";
import { createServerCatalogue } from "./server-catalogue.ts";

const ID = `sha256:${"a".repeat(64)}`;
const spec = (image: string): ServerSpec => ({ image, args: [], mounts: [], environment: {}, memoryMb: 64 });
const SERVERS = {
  [ServerName.parse("files")]: spec("files:dev"),
  [ServerName.parse("mail")]: spec("mail:dev"),
};

function start(images: Record<string, string>) {
  let time = 0;
  const asked: string[] = [];
  const imageId = async (image: string) => (asked.push(image), images[image]);
  const catalogue = createServerCatalogue({ servers: SERVERS, engine: { imageId }, now: () => time });
  return { catalogue, images, asked, pass: (ms: number) => (time += ms) };
}

describe("the catalogue of servers", () => {
  it("lists every server of the policy with the content id of its image", async () => {
    const { catalogue } = start({ "files:dev": ID, "mail:dev": ID });
    expect(await catalogue.list()).toEqual({
      servers: [
        { name: "files", image: "files:dev", imageDigest: ID },
        { name: "mail", image: "mail:dev", imageDigest: ID },
      ],
    });
  });

  it("keeps a list for five seconds, but looks at the image of every start", async () => {
    const { catalogue, asked, pass } = start({ "files:dev": ID, "mail:dev": ID });
    await catalogue.list();
    pass(4_999);
    await catalogue.list();
    expect(asked).toHaveLength(2);
    pass(1);
    await catalogue.list();
    expect(asked).toHaveLength(4);
    await catalogue.find("files");
    expect(asked).toHaveLength(5);
  });

  it("refuses when an image is missing, names it, and recovers at once when it is built", async () => {
    const { catalogue, images } = start({ "files:dev": ID });
    await expect(catalogue.list()).rejects.toThrow(
      /server_unavailable: .* no image mail:dev: build it with '.\/claws up/,
    );
    await expect(catalogue.find("mail")).rejects.toThrow("no image mail:dev");
    images["mail:dev"] = ID;
    expect((await catalogue.list()).servers).toHaveLength(2);
  });

  it.each(["other", "constructor", "__proto__", "Files"])("does not find %s", async (name) => {
    await expect(start({}).catalogue.find(name)).rejects.toThrow("not_found: the policy has no server");
  });

  it("does not remember a failure of the engine", async () => {
    let down = true;
    const imageId = async () => {
      if (down) throw new EngineError("the Docker engine does not answer");
      return ID;
    };
    const catalogue = createServerCatalogue({ servers: SERVERS, engine: { imageId }, now: () => 0 });
    await expect(catalogue.list()).rejects.toThrow(EngineError);
    down = false;
    expect((await catalogue.list()).servers).toHaveLength(2);
  });
});
