import type { CompiledPolicy, LaunchableServers, ServerName, ServerSpec } from "@claws/contracts";
import { ProblemError } from "@claws/service-kit";
import type { Engine } from "./engine.ts";

/** A server of the policy, with the image that the engine has under the name given there. */
export interface LaunchableServer {
  readonly name: ServerName;
  readonly spec: ServerSpec;
  /** The engine's content id, `sha256:…`. */
  readonly imageId: string;
}

export interface ServerCatalogue {
  /** All servers of the policy; looked up anew after some seconds. */
  list(): Promise<LaunchableServers>;
  find(name: string): Promise<LaunchableServer>;
}

export interface ServerCatalogueOptions {
  readonly servers: CompiledPolicy["servers"];
  readonly engine: Pick<Engine, "imageId">;
  /** Milliseconds that only go forward. */
  readonly now: () => number;
}

const FRESH_MS = 5_000;
const SERVICE = "launcher";

export function createServerCatalogue({ servers, engine, now }: ServerCatalogueOptions): ServerCatalogue {
  // A Map, since names such as `constructor` would find something in an object.
  const specs = new Map(Object.entries(servers) as [ServerName, ServerSpec][]);
  let known: { readonly at: number; readonly list: LaunchableServers } | undefined;

  async function lookUp(): Promise<LaunchableServers> {
    const found = await Promise.all(
      [...specs].map(async ([name, { image }]) => ({
        name,
        image,
        imageDigest: await engine.imageId(image),
      })),
    );
    const missing = found.filter(({ imageDigest }) => imageDigest === undefined);
    if (missing.length > 0) throw imageMissing(missing.map(({ image }) => image));
    return { servers: found.map((server) => ({ ...server, imageDigest: server.imageDigest as string })) };
  }

  return {
    async list() {
      if (known === undefined || now() - known.at >= FRESH_MS) known = { at: now(), list: await lookUp() };
      return known.list;
    },
    async find(name) {
      const spec = specs.get(name as ServerName);
      if (spec === undefined) {
        const detail = `the policy has no server ${JSON.stringify(name)}: add it under 'servers' of the profile`;
        throw ProblemError.of("not_found", { service: SERVICE, detail, key: "servers" });
      }
      const imageId = await engine.imageId(spec.image);
      if (imageId === undefined) throw imageMissing([spec.image]);
      return { name: name as ServerName, spec, imageId };
    },
  };
}

function imageMissing(images: readonly string[]): ProblemError {
  return ProblemError.of("server_unavailable", {
    service: SERVICE,
    detail: `the Docker engine has no image ${images.join(", ")}: build it with './claws up <profile>' or 'docker compose build'`,
  });
}
