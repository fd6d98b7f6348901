// SPDX-License-Identifier: Apache-2.0
import { physicalMs } from "@tsoracle/core";
import { usePostgres } from "@tsoracle/test-services";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { asRole, leads, leadsNoMore, openNode } from "./node.ts";
import { prepareOracle } from "./oracle.ts";
import { pem, TlsFront } from "./tls-front.ts";

const postgres = usePostgres({ beforeAll, afterAll });
const database = (): string => postgres().url;
const ca = pem("ca.crt");

beforeAll(() => prepareOracle(database(), "main"));

describe("TLS to the server", () => {
  it.each(["127.0.0.1", "localhost"])("is used, and the session can be cut like any other: %s", async (host) => {
    await using front = await TlsFront.open(postgres());
    await using driver = await openNode(database(), "main", { url: asRole(front.url(database(), host)), tls: { ca } });
    const { epoch } = await leads(driver);
    const value = (await driver.loadHighWater()) + 1;
    expect(await driver.persistHighWater(physicalMs(value), epoch)).toBe(value);
    expect(front.secured).toBeGreaterThan(0);
    front.cut();
    await leadsNoMore(driver);
    await leads(driver, epoch);
  });

  it("refuses a server that somebody else vouches for, or that has none of the names", async () => {
    await using front = await TlsFront.open(postgres());
    const url = asRole(front.url(database(), "127.0.0.1"));
    const wrong = [{ ca: pem("client.crt") }, { ca, serverName: "db.example" }, true];
    for (const tls of wrong) {
      await expect(openNode(database(), "main", { url, tls })).rejects.toMatchObject({
        code: "permanent",
        message: expect.stringMatching(/could not be verified.*\[TLS\]/),
      });
    }
  });

  it("is not given up for a server that has none", async () => {
    await expect(
      openNode(database(), "main", { url: `${asRole(database())}?sslmode=verify-full` }),
    ).rejects.toMatchObject({
      code: "permanent",
      message: expect.stringMatching(/does not support SSL.*\[TLS\]/),
    });
  });
});
