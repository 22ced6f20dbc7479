/** What Backroom asks of this process (PROTOCOL.md, 4). */
import { createServer } from 'node:http';
import { kindOf, log } from './log.js';
import { readRequest, Refused } from './outbound.js';
import { HEADER, isSigned } from './signatures.js';

const BIGGEST_BODY = 300_000;

/**
 * @typedef {object} Desk
 * @property {(id: string) => import('./session.js').Session | undefined} session
 * @property {() => { ok: boolean } & Record<string, unknown>} health
 * @property {string} secret
 */

/** @param {Desk} desk */
export function makeServer(desk) {
	const server = createServer((request, response) => void respond(desk, request, response));
	server.requestTimeout = 10_000;
	server.headersTimeout = 5000;
	return server;
}

/** @param {Desk} desk @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
async function respond(desk, request, response) {
	let status = 200;
	/** @type {unknown} */
	let answer;
	try {
		if (request.method === 'GET' && request.url === '/health') {
			const health = desk.health();
			status = health.ok ? 200 : 503;
			answer = health;
		} else {
			answer = await send(desk, request);
		}
	} catch (error) {
		if (!(error instanceof Refused)) {
			log('bridge.request.failed', kindOf(error));
		}
		// Whatever broke, the text may have gone out.
		const refused = error instanceof Refused ? error : new Refused(504, 'unknown', 'The bridge failed');
		status = refused.status;
		answer = refused.answer;
	}
	response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
}

/** @param {Desk} desk @param {import('node:http').IncomingMessage} request */
async function send(desk, request) {
	const [, id] = /^\/sessions\/([0-9a-f-]{36})\/messages$/.exec(request.url ?? '') ?? [];
	if (!id || request.method !== 'POST') {
		throw new Refused(404, 'not_here', 'There is no such page');
	}
	const body = await readBody(request);
	if (!isSigned(desk.secret, body, request.headers[HEADER])) {
		throw new Refused(401, 'unsigned');
	}
	const session = desk.session(id);
	if (!session) {
		throw new Refused(404, 'not_here');
	}
	return session.outbound.send(readRequest(parsed(body)));
}

/** @param {import('node:http').IncomingMessage} request */
async function readBody(request) {
	/** @type {Buffer[]} */
	const chunks = [];
	let size = 0;
	for await (const chunk of request) {
		size += chunk.length;
		if (size > BIGGEST_BODY) {
			throw new Refused(400, 'invalid', 'The body is too big');
		}
		chunks.push(chunk);
	}
	return Buffer.concat(chunks);
}

/** @param {Buffer} body */
function parsed(body) {
	try {
		return JSON.parse(body.toString());
	} catch {
		throw new Refused(400, 'invalid', 'The body is no JSON');
	}
}
