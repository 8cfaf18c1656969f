import { once } from "node:events";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { listenOnAllAddresses } from "./listen-on-all-addresses.ts";

it("answers, and stands a visitor that resets the connection", async () => {
  const host = await listenOnAllAddresses();
  try {
    for (let visits = 0; visits < 20; visits++) {
      const visitor = connect(host.port, "127.0.0.1");
      visitor.write("what is read by nobody");
      await once(visitor, "connect");
      visitor.resetAndDestroy();
    }
    const visitor = connect(host.port, "127.0.0.1");
    expect(String((await once(visitor, "data"))[0])).toBe("reached the host\n");
    visitor.destroy();
  } finally {
    host.close();
  }
});
