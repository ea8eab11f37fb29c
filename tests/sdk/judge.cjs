// The official OZmap SDK as judge of the sandbox's OZmap: nobody here wrote it, so it shares none of our misunderstandings.
//
//   OZMAP_URL=… OZMAP_API_KEY=… OZMAP_LOGIN=… OZMAP_PASSWORD=… CLIENTS=300 node judge.cjs everything
//   OZMAP_URL=… OZMAP_API_KEY=… EXPECTED='{"147":[-21.53,0,true]}'         node judge.cjs holds
//
// Every request is one that the SDK makes. The exit status tells the verdict, standard error the reason.
"use strict";

// The SDK's logger would open port 9898 and tell of every call.
process.env.OZLOGGER_HTTP = "false";
process.env.OZLOGGER_LEVEL = "error";

const assert = require("node:assert/strict");
const { default: OZMapSDK, FilterOperator } = require("@ozmap/ozmap-sdk");

const url = needed("OZMAP_URL");
const apiKey = needed("OZMAP_API_KEY");
const sdk = new OZMapSDK(url, { apiKey });
const { EQUAL, LIKE, NEAR, IN, NOT_IN, GREATER, LESS_OR_EQUAL, EXISTS, WITHIN } = FilterOperator;

const OK = 0;
const ERROR = 1;
const UNKNOWN_ID = "f".repeat(24);

/** Each is one sentence about OZmap, carried out in this order. */
const everything = {
  "a list comes in pages that lead to each other": async () => {
    const page = await sdk.ftthClient.find({ limit: 7 });
    assert.deepEqual([page.total, page.count, page.rows.length, page.start, page.limit], [clients(), 7, 7, 0, 7]);
    assert.equal(page.hasNextPage, true);
    assert.match(page.nextUrl, /[?&]lastSeenId=[0-9a-f]{24}/);
    const all = await sdk.ftthClient.find({ limit: 500 });
    assert.deepEqual([all.total, all.count, all.hasNextPage], [clients(), clients(), false]);
    const second = await sdk.ftthClient.find({ limit: 7, page: 2 });
    assert.deepEqual(ids(second.rows), ids(all.rows.slice(7, 14)));
  },

  "findAll brings every record exactly once, whatever the size of the batch": async () => {
    for (const model of [sdk.ftthClient, sdk.property]) {
      const whole = await model.findAll({ batchSize: 500 });
      assert.equal(new Set(ids(whole)).size, clients());
      for (const batchSize of [7, 100, clients()]) {
        assert.deepEqual(ids(await model.findAll({ batchSize })), ids(whole), `in batches of ${batchSize}`);
      }
    }
    const codes = (await sdk.ftthClient.findAll({ batchSize: 31 })).map((client) => client.code);
    assert.equal(new Set(codes).size, clients());
  },

  "findAll keeps filter and select from page to page": async () => {
    const filter = [is("implanted", EQUAL, true)];
    const all = await sdk.ftthClient.findAll();
    const some = await sdk.ftthClient.findAll({ filter, select: "code implanted", batchSize: 9 });
    assert.deepEqual(ids(some), ids(all.filter((client) => client.implanted)));
    assert.deepEqual(keys(some), ["code", "id", "implanted"]);
  },

  "every property holds its client": async () => {
    const byId = new Map((await sdk.ftthClient.findAll()).map((client) => [client.id, client]));
    for (const property of await sdk.property.findAll()) {
      assert.equal(property.client.code, byId.get(property.client.id)?.code);
      byId.delete(property.client.id);
    }
    assert.equal(byId.size, 0);
  },

  "`=` finds one client by code, and none by an unknown code": async () => {
    const [some] = await sample(sdk.ftthClient, 1);
    const found = await sdk.ftthClient.find({ filter: [is("code", EQUAL, some.code)] });
    assert.deepEqual([found.total, ids(found.rows)], [1, [some.id]]);
    assert.equal((await sdk.ftthClient.findOne({ filter: [is("code", EQUAL, some.code)] })).id, some.id);
    assert.equal(await sdk.ftthClient.findOne({ filter: [is("code", EQUAL, "no-such-code")] }), null);
  },

  "`in` and `notin` divide the clients": async () => {
    const some = await sample(sdk.ftthClient, 12);
    const codes = some.map((client) => client.code);
    assert.deepEqual(ids(await sdk.ftthClient.findAll({ filter: [is("code", IN, codes)] })), ids(some));
    const others = await sdk.ftthClient.findAll({ filter: [is("code", NOT_IN, codes)] });
    assert.equal(others.length, clients() - some.length);
    assert.deepEqual(ids(await sdk.ftthClient.findAll({ filter: [is("id", IN, ids(some))] })), ids(some));
  },

  "`like` finds a part of a code": async () => {
    const all = await sdk.ftthClient.findAll();
    const part = all[0].code.slice(-2);
    const found = await sdk.ftthClient.findAll({ filter: [is("code", LIKE, part)], batchSize: 10 });
    assert.deepEqual(ids(found), ids(all.filter((client) => client.code.includes(part))));
  },

  "comparisons and `exists` work on the read power": async () => {
    const all = await sdk.property.findAll();
    const read = all.filter((property) => property.potencyRead !== null);
    const middle = median(read.map((property) => property.potencyRead));
    const above = await sdk.property.findAll({ filter: [is("potencyRead", GREATER, middle)] });
    const below = await sdk.property.findAll({ filter: [is("potencyRead", LESS_OR_EQUAL, middle)] });
    assert.deepEqual(ids(above), ids(read.filter((property) => property.potencyRead > middle)));
    assert.equal(above.length + below.length, read.length);
    assert.deepEqual(ids(await sdk.property.findAll({ filter: [is("potencyRead", EXISTS, true)] })), ids(read));
  },

  "filters beside each other must both hold, filters inside brackets one of them": async () => {
    const [a, b] = await sample(sdk.ftthClient, 2);
    const [isA, isB] = [is("code", EQUAL, a.code), is("code", EQUAL, b.code)];
    assert.deepEqual(await sdk.ftthClient.findAll({ filter: [isA, isB] }), []);
    assert.deepEqual(ids(await sdk.ftthClient.findAll({ filter: [[isA, isB]] })), ids([a, b]));
  },

  "`near` and `within` find properties and boxes on the map": async () => {
    for (const model of [sdk.property, sdk.box]) {
      const placed = (await model.findAll()).filter((record) => record.coords);
      assert.ok(placed.length > 10);
      const [lng, lat] = placed[0].coords;
      for (const radius of [50, 400]) {
        const found = await model.findAll({ filter: [is("coords", NEAR, { lat, lng, radius })] });
        const expected = placed.filter((record) => metres(record.coords, [lng, lat]) <= radius);
        assert.deepEqual(ids(found), ids(expected), `within ${radius} m`);
      }
      const [west, south, east, north] = [lng - 0.003, lat - 0.003, lng + 0.003, lat + 0.003];
      const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
      const found = await model.findAll({ filter: [is("coords", WITHIN, { type: "Polygon", coordinates: [ring] })] });
      const inside = ([x, y]) => x > west && x < east && y > south && y < north;
      assert.deepEqual(ids(found), ids(placed.filter((record) => inside(record.coords))));
    }
  },

  "findById gives the record, and null for an unknown id": async () => {
    for (const model of [sdk.ftthClient, sdk.property, sdk.box, sdk.splitter]) {
      const [some] = await sample(model, 1);
      assert.deepEqual(await model.findById(some.id), some);
      assert.equal(await model.findById(UNKNOWN_ID), null);
    }
  },

  "populate replaces the box's id by the box": async () => {
    const connected = await sdk.property.findOne({ filter: [is("box", EXISTS, true)] });
    const populated = await sdk.property.findById(connected.id, { populate: "box" });
    assert.equal(populated.box.id, connected.box);
    assert.equal(typeof populated.box.name, "string");
  },

  "a property's read power can be set and taken away, and nothing else changes": async () => {
    const [property] = await sample(sdk.property, 1);
    await onlyTheseChange([property.id], { potencyRead: -23.45 }, [], {}, () =>
      sdk.property.updateById(property.id, { potencyRead: -23.45 }),
    );
    await onlyTheseChange([property.id], { potencyRead: null }, [], {}, () =>
      sdk.property.updateById(property.id, { potencyRead: null }),
    );
  },

  "a client's ONU can be set, and nothing else changes": async () => {
    const [client] = await sample(sdk.ftthClient, 1);
    const onu = { user_PPPoE: "judge@isp.example", serial_number: "ABCD12345678", mac_address: "AA:BB:CC:00:11:22" };
    await onlyTheseChange([], {}, [client.id], { onu }, () => sdk.ftthClient.updateById(client.id, { onu }));
  },

  "an update of an unknown record is not found": async () => {
    await refused(404, sdk.property.updateById(UNKNOWN_ID, { potencyRead: -20 }));
    await refused(404, sdk.ftthClient.updateById(UNKNOWN_ID, { status: OK }));
  },

  "batchUpdate sets the read power of the properties that the filter names, and of no other": async () => {
    const some = ids(await sample(sdk.property, 15));
    for (const potencyRead of [-22.22, 0, null]) {
      await onlyTheseChange(some, { potencyRead }, [], {}, () =>
        sdk.property.batchUpdate([is("id", IN, some)], { potencyRead }),
      );
    }
  },

  "batchUpdate sets status and implantation of the clients that the filter names, and of no other": async () => {
    const some = ids(await sample(sdk.ftthClient, 15));
    for (const update of [{ status: ERROR }, { status: OK, implanted: false }, { implanted: true }]) {
      await onlyTheseChange([], {}, some, update, () => sdk.ftthClient.batchUpdate([is("id", IN, some)], update));
    }
  },

  "a property with a new client takes a free port, the same port is refused to the next, and deleting frees it": async () => {
    const { splitter, port, box } = await freePort();
    const home = (code) => ({
      project: box.project,
      box: box.id,
      coords: box.coords,
      address: "Rua do Juiz, 1",
      potencyRead: -19.5,
      connector: splitter,
      port,
      client: {
        code,
        name: "Maria",
        implanted: true,
        onu: { user_PPPoE: "maria@isp.example", serial_number: "ABCD00000001", mac_address: "AA:BB:CC:00:00:01" },
      },
    });
    const created = await sdk.property.create(home("990001"));
    const property = await sdk.property.findById(created.id);
    const client = await sdk.ftthClient.findOne({ filter: [is("code", EQUAL, "990001")] });
    assert.deepEqual([property.client.id, property.potencyRead, property.box], [client.id, -19.5, box.id]);
    assert.deepEqual([client.name, client.implanted, client.status], ["Maria", true, OK]);
    assert.deepEqual(client.onu, home("").client.onu);
    assert.deepEqual(property.connections.map(({ id, kind, port }) => [id, kind, port]), [[splitter, "Splitter", port]]);
    assert.notEqual(await output(splitter, port), null);

    await refused(422, sdk.property.create(home("990002")));
    assert.equal(await sdk.ftthClient.findOne({ filter: [is("code", EQUAL, "990002")] }), null);
    assert.equal((await sdk.property.find({ limit: 1 })).total, clients() + 1);

    await sdk.property.deleteById(created.id);
    assert.equal(await sdk.property.findById(created.id), null);
    assert.equal(await sdk.ftthClient.findById(client.id), null);
    assert.equal(await output(splitter, port), null);
    await refused(404, sdk.property.deleteById(created.id));
  },

  "a client can be deleted": async () => {
    const [client] = await sample(sdk.ftthClient, 1);
    await sdk.ftthClient.deleteById(client.id);
    assert.equal(await sdk.ftthClient.findById(client.id), null);
    assert.equal((await sdk.ftthClient.find({ limit: 1 })).total, clients() - 1);
  },

  "a wrong key is refused, and so is a key that says Bearer": async () => {
    for (const wrong of ["wrong", `Bearer ${apiKey}`]) {
      await refused(401, new OZMapSDK(url, { apiKey: wrong }).ftthClient.find({ limit: 1 }));
    }
  },

  "login and password do instead of a key": async () => {
    const [login, password] = [needed("OZMAP_LOGIN"), needed("OZMAP_PASSWORD")];
    const page = await new OZMapSDK(url, { login, password }).ftthClient.find({ limit: 1 });
    assert.equal(page.count, 1);
    await refused(401, new OZMapSDK(url, { login, password: "wrong" }).ftthClient.find({ limit: 1 }));
  },
};

/** OZmap holds exactly what `EXPECTED` says: read power, status, implantation and perhaps the ONU of each code. */
const holds = {
  "OZmap holds what is expected of every client": async () => {
    const expected = JSON.parse(needed("EXPECTED"));
    const clientsByCode = new Map((await sdk.ftthClient.findAll()).map((client) => [client.code, client]));
    assert.deepEqual([...clientsByCode.keys()].sort(), Object.keys(expected).sort());
    const held = {};
    for (const { client: { code }, potencyRead } of await sdk.property.findAll()) {
      const { status, implanted, onu } = clientsByCode.get(code);
      held[code] = expected[code].length > 3 ? [potencyRead, status, implanted, onu] : [potencyRead, status, implanted];
    }
    assert.deepEqual(held, expected);
  },
};

function needed(variable) {
  return process.env[variable] || assert.fail(`the environment variable ${variable} is missing`);
}

function clients() {
  return Number(needed("CLIENTS"));
}

function is(property, operator, value) {
  return { property, operator, value };
}

function ids(records) {
  return records.map((record) => record.id);
}

function keys(records) {
  return [...new Set(records.flatMap(Object.keys))].sort();
}

/** Some records, not beside each other. */
async function sample(model, count) {
  const all = await model.findAll();
  const step = Math.floor(all.length / count);
  return all.filter((_, index) => index % step === 0).slice(0, count);
}

function median(numbers) {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

/** Along the great circle; points are [lng, lat]. */
function metres([lngA, latA], [lngB, latB]) {
  const rad = (degrees) => (degrees * Math.PI) / 180;
  const half = (angle) => Math.sin(angle / 2) ** 2;
  const h = half(rad(latB - latA)) + Math.cos(rad(latA)) * Math.cos(rad(latB)) * half(rad(lngB - lngA));
  return 2 * 6_371_008.8 * Math.asin(Math.sqrt(h));
}

/** The SDK throws axios' answer, which has a status. */
async function refused(status, promise) {
  await assert.rejects(promise, (answer) => {
    assert.equal(answer.status, status, `${answer.status ?? answer}: ${JSON.stringify(answer.data)}`);
    return true;
  });
}

/** Carries `act` out; of all properties and clients only these may differ afterwards, and only in these fields. */
async function onlyTheseChange(properties, ofProperty, clients, ofClient, act) {
  const read = async () => ({ properties: await sdk.property.findAll(), clients: await sdk.ftthClient.findAll() });
  const set = (ids, values) => (record) => untimed(ids.includes(record.id) ? { ...record, ...values } : record);
  const before = await read();
  // A property shows its client.
  const ofBoth = (record) => {
    const changed = set(properties, ofProperty)(record);
    return clients.includes(record.client?.id) ? { ...changed, client: { ...changed.client, ...ofClient } } : changed;
  };
  await act();
  const after = await read();
  assert.deepEqual(after.properties.map(untimed), before.properties.map(ofBoth));
  assert.deepEqual(after.clients.map(untimed), before.clients.map(set(clients, ofClient)));
}

function untimed({ updatedAt, ...rest }) {
  return rest;
}

/** A free port of a drop splitter in a box that is not a draft. */
async function freePort() {
  const splitters = await sdk.splitter.findAll({ filter: [is("isDrop", EQUAL, true)] });
  const boxes = await sdk.box.findAll({ filter: [is("draft", EQUAL, false)] });
  for (const splitter of splitters) {
    const box = boxes.find(({ id }) => id === splitter.parent);
    const free = splitter.connectables.output.findIndex((fiber, i) => fiber === null && !splitter.ports[i].blocked);
    if (box && free >= 0) return { splitter: splitter.id, port: free + 1, box };
  }
  return assert.fail("no port is free");
}

/** What is connected to a splitter's output, from 1 on. */
async function output(splitter, port) {
  return (await sdk.splitter.findById(splitter)).connectables.output[port - 1];
}

async function judge(sentences) {
  let verdict = 0;
  for (const [sentence, check] of Object.entries(sentences)) {
    try {
      await check();
      console.log(`ok    ${sentence}`);
    } catch (error) {
      verdict = 1;
      const answer = error.config ? `${error.config.method} ${error.config.url}: ${error.status}` : error;
      console.error(`FAIL  ${sentence}`, answer, error.data ?? "");
    }
  }
  return verdict;
}

const sentences = { everything, holds }[process.argv[2]] ?? assert.fail("say `everything` or `holds`");
judge(sentences).then((verdict) => process.exit(verdict));
