import { e2e, readDeployment } from "./deployment.ts";

/** Brings the suite's deployment up once; takes every project of the suite down at the end. */
export async function setup(): Promise<void> {
  await teardown();
  const { code, stdout, stderr } = await e2e.claws(["up", "filtered"]);
  if (code !== 0) throw new Error(`the deployment did not come up:\n${stdout}\n${stderr}`);
}

export async function teardown(): Promise<void> {
  if (process.env["CLAWS_E2E_KEEP"] === "true") return;
  for (const deployment of [e2e, readDeployment("claws-e2e-other"), readDeployment("claws-tour")]) {
    const { code, stderr } = await deployment.claws(["down", "--volumes"]);
    if (code !== 0) throw new Error(`${deployment.project} could not be taken down: ${stderr}`);
  }
}
