/**
 * Mends what Baileys 7.0.0-rc14 gets wrong, from outside: the package on disk is the published one.
 * Whoever updates the pin reads every point again.
 */
import { randomBytes } from 'node:crypto';
import { Curve, DEFAULT_CONNECTION_CONFIG, proto, WA_CERT_DETAILS } from 'baileys';
import * as curve from 'libsignal/src/curve.js';
import { kindOf, log } from './log.js';
import { Memory } from './memory.js';

/** @typedef {import('baileys').WASocket} Socket */

const NOTHING = Buffer.alloc(0);
const { sharedKey } = Curve;
const { decode } = proto.CertChain;

/**
 * Makes signatures count. `Curve.verify` (lib/Utils/crypto.js) drops the answer of libsignal's
 * `verifySignature`, which says false and does not throw; so neither the server's certificates nor
 * the account's signature were ever checked.
 *
 * A check takes 8 ms, and each return of a line asks for the same two; so what held is remembered.
 */
export function repairSignatures() {
	const verify = /** @type {any} */ (curve).verifySignature ?? /** @type {any} */ (curve).default.verifySignature;
	/** @type {Memory<true>} */
	const held = new Memory(100);
	Curve.verify = (key, message, signature) => {
		const name = [key, message, signature].map((bytes) => Buffer.from(bytes).toString('base64')).join(' ');
		try {
			const prefixed = key.length === 33 ? key : Buffer.concat([Buffer.from([5]), key]);
			const isRight = held.get(name) ?? verify(prefixed, message, signature) === true;
			if (isRight) {
				held.set(name, true);
			}
			return isRight;
		} catch {
			return false;
		}
	};
}

/**
 * Makes the certificate count for the one who shows it. Baileys checks its signatures, and never whether
 * its key is the one with which the handshake is done (lib/Utils/noise-handler.js, processHandshake): who
 * has a copy of WhatsApp's chain, which everybody gets, could be WhatsApp. Between the agreement with that
 * key and the reading of the chain nothing else can happen, as both are steps of one synchronous function.
 */
export function bindCertificates() {
	/** @type {Uint8Array} */
	let shown = NOTHING;
	Curve.sharedKey = (privateKey, publicKey) => {
		shown = publicKey;
		return sharedKey(privateKey, publicKey);
	};
	proto.CertChain.decode = (...words) => {
		const chain = decode(...words);
		const { details } = chain.leaf ?? {};
		if (details && !Buffer.from(proto.CertChain.NoiseCertificate.Details.decode(details).key ?? NOTHING).equals(shown)) {
			throw withStatus('The certificate is another server\'s', 400);
		}
		return chain;
	};
}

/** Trusts another server than WhatsApp's. @param {Buffer} rootKey 32 bytes */
export function trustRoot(rootKey) {
	Object.assign(WA_CERT_DETAILS, { PUBLIC_KEY: rootKey });
}

/**
 * Ends a socket whose upgrade was answered with something else than 101. Baileys' client listens to
 * `unexpected-response` (lib/Socket/Client/websocket.js), which stops `ws` from giving up by itself:
 * the socket would hang for ever. Always 503: a 401 or 403 of some proxy is no logout.
 *
 * @param {Socket} socket
 */
export function endStuckUpgrades(socket) {
	socket.ws.on('unexpected-response', (/** @type {any} */ request, /** @type {any} */ response) => {
		response?.resume?.();
		request?.destroy?.();
		void socket.end(withStatus('The upgrade was refused', 503));
	});
}

/**
 * Keeps what cannot be read on one line away from the others: in the library it becomes a rejection
 * that belongs to nobody (lib/Socket/socket.js, onMessageReceived), and many of those end the process. A
 * frame that is not the server's ends the line. A stanza that cannot be decoded is left out instead: the
 * server would send it again at each login.
 *
 * Frames are read one after the other, too: one that has to be inflated was overtaken by the next.
 *
 * @param {Socket} socket
 */
export function surviveBadFrames(socket) {
	const [read] = /** @type {((data: Buffer) => Promise<void>)[]} */ (socket.ws.listeners('message'));
	socket.ws.removeAllListeners('message');
	const readAll = async (/** @type {Buffer} */ data) => {
		// Each call takes at least one frame off what is left.
		for (let rest = data; ; rest = NOTHING) {
			try {
				return await read(rest);
			} catch (error) {
				if (/unable to authenticate/.test(/** @type {Error} */ (error).message)) {
					return void socket.end(withStatus('Unreadable frame', 428));
				}
				log('bridge.frame.dropped', kindOf(error));
			}
		}
	};
	let turn = Promise.resolve();
	socket.ws.on('message', (/** @type {Buffer} */ data) => {
		turn = turn.then(() => readAll(data));
	});
}

/**
 * Answers `companion_reg_refresh`, which retires the secret inside the QR that is shown
 * (WhiskeySockets/Baileys#2737; whatsmeow 9ec8f76): a new secret, an acknowledgement, the same ref
 * once more. Baileys ignores it, and cannot acknowledge anything before `creds.me` is known.
 *
 * @param {Socket} socket
 * @param {any} creds
 * @param {() => void} onRotated
 */
export function followSecretRotation(socket, creds, onRotated) {
	const rotate = async (/** @type {import('baileys').BinaryNode} */ { tag, attrs: { id, from, type } }) => {
		if (creds.account) {
			return;
		}
		creds.advSecretKey = randomBytes(32).toString('base64');
		const to = from ?? '@s.whatsapp.net';
		try {
			if (tag === 'iq') {
				await socket.sendNode({ tag, attrs: { id, to, type: 'result' } });
			} else if (tag === 'notification') {
				await socket.sendNode({ tag: 'ack', attrs: { id, class: 'notification', to, type } });
			}
			onRotated();
		} catch {
			// The socket is closing; the next attempt begins with fresh secrets anyway.
		}
	};
	socket.ws.on('linking:companion_reg_refresh', rotate);
}

/**
 * A QR with the secret of now: Baileys goes on showing the one that it began with
 * (lib/Socket/socket.js, `advB64`).
 *
 * @param {string} qr
 * @param {string} shownSecret
 * @param {string} secret
 */
export function withSecret(qr, shownSecret, secret) {
	return qr
		.split(',')
		.map((part) => (part === shownSecret ? secret : part))
		.join(',');
}

/**
 * Tells when WhatsApp asks for a passkey, which only a browser on its own page can give
 * (WhiskeySockets/Baileys#2672, whatsmeow 2026-06-30).
 *
 * @param {Socket} socket
 * @param {() => void} onAsked
 */
export function detectPasskey(socket, onAsked) {
	for (const type of ['passkey_prologue_request', 'crsc_continuation']) {
		socket.ws.on(`linking:${type}`, onAsked);
	}
}

/** The library's version of WhatsApp Web. */
export const LIBRARY_VERSION = DEFAULT_CONNECTION_CONFIG.version;

/** An error in the form in which Baileys says why a socket ended. @param {string} message @param {number} statusCode */
export function withStatus(message, statusCode) {
	return Object.assign(new Error(message), { output: { statusCode } });
}
