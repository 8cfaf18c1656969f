import { ProblemError } from "@claws/service-kit";
import type { Request } from "express";
import * as z from "zod";
import { SERVICE } from "./refusals.ts";

const OperatorName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/);

/** Who is asked for: front-door says so, which knows who is logged in. */
export function operatorOf(request: Request): string {
  const name = OperatorName.safeParse(request.header("x-claws-operator"));
  if (name.success) return name.data;
  throw ProblemError.of("login_required", { service: SERVICE, detail: "log in at the front door" });
}
