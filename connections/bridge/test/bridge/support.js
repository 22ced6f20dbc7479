/** A world for each test: tables, a WhatsApp, a Backroom that listens, and bridges. */
import { spawn } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import '../../src/console_filter.js';
import { FakeWhatsApp } from '../../fake_whatsapp/server.js';
import { Bridge } from '../../src/bridge.js';
import { out } from '../../src/log.js';
import { BACKOFF } from '../../src/policy.js';
import { TIMES } from '../../src/sessions.js';
import { readSettings } from '../../src/settings.js';
import { HEADER, isSigned, sign } from '../../src/signatures.js';

/** @typedef {import('node:test').TestContext} TestContext */

export const SHOP = '2348012345678';
export const ADA = '2348098765432';
export const SECRET = 'a secret of the tests';
export const KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
const WAIT_MS = 10_000;

TIMES.look = 100;
BACKOFF.first = 100;

/** What the bridges of this process said. @type {string[]} */
export const lines = [];
out.write = (line) => {
	lines.push(line);
	if (process.env.BRIDGE_TEST_LOG) {
		process.stderr.write(line);
	}
};

// Baileys leaves timers of 20 s and more behind when a socket ends; they must not hold up the tests.
const setAnyTimeout = globalThis.setTimeout;
Object.assign(globalThis, {
	setTimeout: Object.assign(
		(/** @type {(...args: any[]) => void} */ run, /** @type {number} */ ms, /** @type {any[]} */ ...rest) => {
			const timer = setAnyTimeout(run, ms, ...rest);
			return ms > 500 ? timer.unref() : timer;
		},
		setAnyTimeout
	)
});

/** Ends of each test's parts, the last one first: node's own hooks run the first one first. @type {WeakMap<TestContext, (() => unknown)[]>} */
const ends = new WeakMap();

/** @param {TestContext} t @param {() => unknown} end */
function atEnd(t, end) {
	const known = ends.get(t);
	if (known) {
		known.push(end);
		return;
	}
	const mine = [end];
	ends.set(t, mine);
	t.after(async () => {
		for (const one of mine.reverse()) {
			await one();
		}
	});
}

/** @template T @param {() => T | Promise<T>} look @param {string} what @param {number} [waitMs] @returns {Promise<NonNullable<T>>} */
export async function until(look, what, waitMs = WAIT_MS) {
	const end = Date.now() + waitMs;
	for (;;) {
		const found = await look();
		if (found) {
			return found;
		}
		if (Date.now() > end) {
			throw new Error(`Waited in vain for ${what}`);
		}
		await pause(15);
	}
}

/** @param {number} ms */
export function pause(ms) {
	return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The three tables in a schema of their own. @param {TestContext} t */
export async function database(t) {
	const schema = `bridge_${randomBytes(6).toString('hex')}`;
	const bare = String(process.env.DATABASE_URL);
	const admin = new pg.Client({ connectionString: bare });
	await admin.connect();
	await admin.query(`create schema ${schema}`);
	const url = `${bare}?options=${encodeURIComponent(`-c search_path=${schema}`)}`;
	const pool = new pg.Pool({ connectionString: url, max: 3 });
	await pool.query(readFileSync(new URL('schema.sql', import.meta.url), 'utf8'));
	// Where Backroom was before there are its roles, and the bridge takes one of them on.
	await pool.query(`grant usage on schema ${schema} to public; grant all on all tables in schema ${schema} to public`);
	atEnd(t, async () => {
		await pool.end();
		await admin.query(`drop schema ${schema} cascade`);
		await admin.end();
	});
	return { url, pool };
}

/**
 * The same tables behind Backroom's row walls, for a user that may take no role (workspaces/walls.py).
 *
 * @param {TestContext} t
 */
export async function walledDatabase(t) {
	const { url, pool } = await database(t);
	const user = `plain_${randomBytes(6).toString('hex')}`;
	await pool.query(`create role ${user} login password 'plain'`);
	await pool.query(`alter table connections_linkedsession enable row level security;
		create policy all_rows on connections_linkedsession
			using (current_setting('backroom.scope', true) in ('system', 'owner'))
			with check (current_setting('backroom.scope', true) in ('system', 'owner'))`);
	atEnd(t, () => pool.query(`drop role ${user}`));
	const plain = new URL(url);
	Object.assign(plain, { username: user, password: 'plain' });
	return { url: plain.href, pool };
}

/** @param {TestContext} t */
export function folder(t) {
	const path = mkdtempSync(join(tmpdir(), 'bridge-'));
	atEnd(t, () => rmSync(path, { recursive: true, force: true }));
	return path;
}

/** A Backroom that stores events; `answer` makes it refuse. @param {TestContext} t */
export async function backroom(t) {
	/** @type {{ events: any[], batches: any[], answer: (batch: any) => number, url: string }} */
	const stored = { events: [], batches: [], answer: () => 200, url: '' };
	const server = createServer(async (request, response) => {
		const chunks = [];
		for await (const chunk of request) {
			chunks.push(chunk);
		}
		const body = Buffer.concat(chunks);
		const batch = JSON.parse(body.toString());
		const status = isSigned(SECRET, body, request.headers[HEADER]) ? stored.answer(batch) : 401;
		stored.batches.push({ status, batch });
		if (status === 200) {
			const known = new Set(stored.events.map(({ id }) => id));
			stored.events.push(...batch.events.filter((/** @type {any} */ { id }) => !known.has(id)));
		}
		response.writeHead(status).end();
	});
	await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
	stored.url = `http://127.0.0.1:${/** @type {any} */ (server.address()).port}/events`;
	atEnd(t, () => {
		server.closeAllConnections();
		server.close();
	});
	return stored;
}

/** @param {TestContext} t */
export async function world(t) {
	const whatsapp = await new FakeWhatsApp().start();
	atEnd(t, () => whatsapp.stop());
	// Making 812 keys takes most of the time of a linking.
	whatsapp.desk.changeQuirks({ hasFewKeys: true });
	const shop = whatsapp.people.addAccount(SHOP, 'Ada Stores');
	const ada = whatsapp.people.addCustomer(ADA, 'Ada');
	const [db, told, path] = [await database(t), await backroom(t), folder(t)];
	const env = {
		DATABASE_URL: db.url,
		BACKROOM_ENV: 'test',
		BACKROOM_KEYS: KEYS,
		BRIDGE_SECRET: SECRET,
		BRIDGE_EVENTS_URL: told.url,
		BRIDGE_FOLDER: path,
		BRIDGE_PORT: '0',
		BRIDGE_TYPING_MS: '0',
		LINKED_DEVICE_URL: whatsapp.url,
		LINKED_DEVICE_ROOT_KEY: whatsapp.rootKey
	};
	return new World(t, { whatsapp, shop, ada, pool: db.pool, told, env, path });
}

export class World {
	/**
	 * @param {TestContext} t
	 * @param {{ whatsapp: FakeWhatsApp, shop: any, ada: any, pool: pg.Pool, told: Awaited<ReturnType<typeof backroom>>, env: Record<string, string>, path: string }} parts
	 */
	constructor(t, parts) {
		this.t = t;
		this.whatsapp = parts.whatsapp;
		this.shop = parts.shop;
		this.ada = parts.ada;
		this.pool = parts.pool;
		this.told = parts.told;
		this.env = parts.env;
		this.path = parts.path;
	}

	/** A bridge in this process. @param {Record<string, string>} [more] */
	async bridge(more = {}) {
		const bridge = new Bridge(readSettings({ ...this.env, ...more }));
		await bridge.start();
		atEnd(this.t, () => (bridge.isEnding ? undefined : bridge.stop()));
		return bridge;
	}

	/** A bridge in a process of its own. @param {Record<string, string>} [more] */
	async process(more = {}) {
		const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));
		const child = spawn(process.execPath, [main], { env: { PATH: process.env.PATH, ...this.env, ...more } });
		const run = { child, output: '', owner: '', exit: new Promise((resolve) => child.once('exit', (code) => resolve(code))) };
		child.stdout.on('data', (data) => (run.output += data));
		child.stderr.on('data', (data) => (run.output += data));
		atEnd(this.t, () => child.kill('SIGKILL'));
		await until(() => run.output.includes('bridge.process.started'), 'the process');
		run.owner = String(/"owner":"([^"]+)"/.exec(run.output)?.[1]);
		return run;
	}

	/** A session that Backroom asks for. @param {Record<string, any>} [fields] @returns {Promise<string>} its id */
	async session(fields = {}) {
		const row = /** @type {Record<string, any>} */ ({ id: randomUUID(), link_serial: 1, ...fields });
		const names = Object.keys(row);
		const places = names.map((_, index) => `$${index + 1}`).join(', ');
		await this.pool.query(`insert into connections_linkedsession (${names.join(', ')}) values (${places})`, Object.values(row));
		return row.id;
	}

	/** @param {string} id @returns {Promise<any>} */
	async row(id) {
		return (await this.pool.query('select * from connections_linkedsession where id = $1', [id])).rows[0];
	}

	/** @param {string} id @param {string} state @param {number} [waitMs] */
	state(id, state, waitMs) {
		return until(async () => {
			const row = await this.row(id);
			return row.state === state ? row : null;
		}, `the state ${state}`, waitMs);
	}

	/** @param {string} id @param {(pairing: any) => boolean} [isRight] */
	async pairing(id, isRight = () => true) {
		return until(async () => {
			const { pairing } = await this.row(id);
			return pairing && isRight(pairing) ? pairing : null;
		}, 'something to pair with');
	}

	/** A session that is linked and open. */
	async linked() {
		const id = await this.session();
		const { value } = await this.pairing(id);
		const outcome = await this.whatsapp.linking.scan(this.shop, value);
		if (outcome.outcome !== 'linked') {
			throw new Error(outcome.say);
		}
		await this.state(id, 'open');
		return id;
	}

	/** @param {(event: any) => boolean} isRight @param {string} what @param {number} [waitMs] @returns {Promise<any>} */
	event(isRight, what, waitMs) {
		return until(() => this.told.events.find(isRight), `the event ${what}`, waitMs);
	}

	/** @param {string} id @param {Record<string, any>} body @param {string} [signature] */
	async ask(id, body, signature) {
		const { owner_url: url } = await this.row(id);
		const text = JSON.stringify(body);
		const response = await fetch(`${url}/sessions/${id}/messages`, {
			method: 'POST',
			body: text,
			headers: { [HEADER]: signature ?? sign(SECRET, text) }
		});
		return { status: response.status, .../** @type {any} */ (await response.json()) };
	}

	/** @param {string} text @param {Record<string, any>} [more] */
	customerWrites(text, more = {}) {
		return this.whatsapp.toDevices.customerWrites(this.ada, this.shop, { text, ...more });
	}
}
