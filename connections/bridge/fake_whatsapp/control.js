/** The desk over HTTP: JSON in, JSON out, for this machine alone. */
import { createServer } from 'node:http';
import { UnknownNumber } from './people.js';

/**
 * @typedef {import('./desk.js').Desk} Desk
 * @typedef {{ a: string, b: string, query: URLSearchParams, body: any }} Request a, b: the variable parts of the path
 * @typedef {(desk: Desk, request: Request) => unknown} Action
 */

/** Method and path; `:a` and `:b` stand for variable parts. @type {Record<string, Action>} */
export const ROUTES = {
	'GET /accounts': (desk) => desk.accounts(),
	'POST /accounts': (desk, { body }) => desk.addAccount(body),
	'GET /accounts/:a': (desk, { a }) => desk.account(a),
	'POST /accounts/:a': (desk, { a, body }) => desk.changeAccount(a, body),
	'POST /accounts/:a/scan': (desk, { a, body }) => desk.scan(a, body),
	'POST /accounts/:a/code': (desk, { a, body }) => desk.enterCode(a, body),
	'POST /accounts/:a/cap': (desk, { a, body }) => desk.capChats(a, body),
	'DELETE /accounts/:a/devices/:b': (desk, { a, b }) => desk.unlink(a, b),
	'GET /accounts/:a/messages': (desk, { a }) => desk.ownerMessages(a),
	'POST /accounts/:a/messages': (desk, { a, body }) => desk.ownerWrites(a, body),
	'GET /customers': (desk) => desk.customers(),
	'POST /customers': (desk, { body }) => desk.addCustomer(body),
	'GET /customers/:a': (desk, { a }) => desk.customer(a),
	'POST /customers/:a': (desk, { a, body }) => desk.changeCustomer(a, body),
	'POST /customers/:a/messages': (desk, { a, body }) => desk.customerWrites(a, body),
	'POST /customers/:a/posts': (desk, { a, body }) => desk.customerPosts(a, body),
	'POST /customers/:a/receipts': (desk, { a, body }) => desk.confirm(a, body),
	'POST /customers/:a/typing': (desk, { a, body }) => desk.customerTypes(a, body),
	'GET /customers/:a/chats/:b': (desk, { a, b }) => desk.chat(a, b),
	'POST /faults/cut': (desk, { body }) => desk.cut(body),
	'POST /faults/away': (desk, { body }) => desk.goAway(body),
	'POST /faults/mute': (desk, { body }) => desk.mute(body),
	'POST /faults/logins': (desk, { body }) => desk.failLogins(body),
	'POST /faults/sends': (desk, { body }) => desk.failSends(body),
	'POST /faults/garble': (desk, { body }) => desk.garble(body),
	'POST /faults/upgrades': (desk, { body }) => desk.refuseUpgrades(body),
	'DELETE /faults': (desk) => desk.calm(),
	'POST /quirks': (desk, { body }) => desk.changeQuirks(body),
	'POST /linking': (desk, { body }) => desk.changeLinking(body),
	'POST /linking/rotate': (desk, { body }) => desk.rotateSecrets(body),
	'GET /happenings': (desk, { query }) => desk.happenings(Number(query.get('after') ?? 0)),
	'GET /': (desk) => ({ url: desk.server.url, rootKey: desk.server.rootKey, routes: Object.keys(ROUTES) })
};

const BIGGEST_BODY = 1_000_000;

class Refused extends Error {
	/** @param {number} status @param {string} message */
	constructor(status, message) {
		super(message);
		this.status = status;
	}
}

/**
 * @param {Desk} desk
 * @param {number} port 0: any free one
 * @returns {Promise<import('node:http').Server>} which listens on 127.0.0.1
 */
export async function startControl(desk, port) {
	const server = createServer((request, response) => void respond(desk, request, response));
	await new Promise((resolve, reject) => {
		server.once('error', reject);
		server.listen(port, '127.0.0.1', () => resolve(undefined));
	});
	return server;
}

/**
 * @param {Desk} desk
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function respond(desk, request, response) {
	let status = 200;
	/** @type {unknown} */
	let said;
	try {
		said = await act(desk, request);
	} catch (error) {
		status = statusOf(error);
		said = { error: error instanceof Error ? error.message : String(error) };
	}
	response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(said, withoutBytes));
}

/** @param {Desk} desk @param {import('node:http').IncomingMessage} request */
async function act(desk, request) {
	const { host = '', 'content-type': type = '' } = request.headers;
	// A page in somebody's browser must not reach this by another name or by a plain form.
	if (!/^(127\.0\.0\.1|localhost)(:\d+)?$/.test(host)) {
		throw new Refused(403, 'Only for this machine');
	}
	const url = new URL(request.url ?? '/', 'http://127.0.0.1');
	for (const [route, action] of Object.entries(ROUTES)) {
		const parts = matched(route, request.method ?? '', url.pathname);
		if (parts) {
			const body = request.method === 'POST' ? await readBody(request, type) : {};
			return action(desk, { a: parts[0] ?? '', b: parts[1] ?? '', query: url.searchParams, body });
		}
	}
	throw new Refused(404, 'There is no such page; GET / lists them');
}

/** @param {string} route @param {string} method @param {string} path @returns {string[] | null} the variable parts */
function matched(route, method, path) {
	const [routeMethod, routePath] = route.split(' ');
	const pattern = new RegExp(`^${routePath.replace(/:[ab]/g, '([^/]+)')}$`);
	const found = method === routeMethod ? pattern.exec(path) : null;
	return found && found.slice(1).map(decodeURIComponent);
}

/** @param {import('node:http').IncomingMessage} request @param {string} type */
async function readBody(request, type) {
	if (!type.startsWith('application/json')) {
		throw new Refused(415, 'The body must be application/json');
	}
	/** @type {Buffer[]} */
	const chunks = [];
	let size = 0;
	for await (const chunk of request) {
		size += chunk.length;
		if (size > BIGGEST_BODY) {
			throw new Refused(413, 'The body is too big');
		}
		chunks.push(chunk);
	}
	/** @type {unknown} */
	let body;
	try {
		body = JSON.parse(Buffer.concat(chunks).toString() || '{}');
	} catch {
		throw new Refused(400, 'The body is no JSON');
	}
	if (typeof body !== 'object' || body === null || Array.isArray(body)) {
		throw new Refused(400, 'The body must be an object');
	}
	return body;
}

/** @param {unknown} error */
function statusOf(error) {
	if (error instanceof Refused) {
		return error.status;
	}
	if (error instanceof UnknownNumber) {
		return 404;
	}
	return error instanceof RangeError ? 400 : 500;
}

/** Keys and ciphertext are nobody's business here. @param {string} _key @param {any} value */
function withoutBytes(_key, value) {
	return value?.type === 'Buffer' ? undefined : value;
}
