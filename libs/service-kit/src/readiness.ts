/** One thing a service needs to say yes to anybody. Rejects or returns false while it is missing. */
export type ReadinessCheck = () => Promise<boolean> | boolean;

export interface ReadinessReport {
  readonly ready: boolean;
  readonly missing: readonly string[];
}

/** Runs all checks at once, each for at most a second; a check that throws or hangs is a no. */
export async function readReadiness(
  checks: Readonly<Record<string, ReadinessCheck>>,
): Promise<ReadinessReport> {
  const answers = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => ({ name, ok: await answersInTime(check) })),
  );
  const missing = answers.filter(({ ok }) => !ok).map(({ name }) => name);
  return { ready: missing.length === 0, missing };
}

async function answersInTime(check: ReadinessCheck): Promise<boolean> {
  const { promise: timeout, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), 1_000);
  try {
    return await Promise.race([Promise.resolve().then(check), timeout]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
