import { allowPeers, readBody } from "@claws/service-kit";
import express, { type Express } from "express";
import * as z from "zod";
import type { VerifyStack } from "./verify-stack.ts";

const RequestBody = z.strictObject({ decoyPort: z.int().min(1).max(65_535).optional() });

/** `POST /v1/verifications`: the third verb. A port number is all that a caller has a say in. */
export function createVerificationRoute(verify: VerifyStack) {
  return (app: Express): void => {
    app.post(
      "/v1/verifications",
      allowPeers("launcher", ["broker"]),
      express.json({ limit: "1kb" }),
      async (request, response) => {
        response.json(await verify(readBody(RequestBody, request.body ?? {}, "launcher")));
      },
    );
  };
}
