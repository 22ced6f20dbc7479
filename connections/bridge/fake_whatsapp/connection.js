/** One WebSocket of one client: handshake, then nodes both ways, in order. */
import { decodeBinaryNode, encodeBinaryNode } from 'baileys';
import { frame, FrameReader } from './frames.js';
import { node, SERVER } from './nodes.js';
import { NoiseResponder } from './noise.js';

/**
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {import('baileys').proto.IClientPayload} ClientPayload
 * @typedef {object} Owner who reacts to what clients do; errors it throws close the connection
 * @property {(connection: Connection, payload: ClientPayload) => void | Promise<void>} greeted the handshake is done
 * @property {(connection: Connection, stanza: Node) => void | Promise<void>} said
 * @property {(connection: Connection) => void} left
 * @property {(connection: Connection, error: Error) => void} broke
 */

export class Connection {
	/**
	 * @param {import('ws').WebSocket} socket
	 * @param {import('./certificates.js').KeyPair} staticKey
	 * @param {Uint8Array} certificates
	 * @param {Owner} owner
	 */
	constructor(socket, staticKey, certificates, owner) {
		this.socket = socket;
		this.owner = owner;
		this.noise = new NoiseResponder(staticKey, certificates);
		this.reader = new FrameReader();
		/** @type {'hello' | 'finish' | 'open'} what is expected next */
		this.stage = 'hello';
		/** Says nothing more and hears nothing, but would still hang up politely. */
		this.isSilent = false;
		/** As silent as when a cable was pulled: not even a goodbye is heard or answered. */
		this.isDead = false;
		/** Writes the server's address without the sign before it. */
		this.hasBareAddress = false;
		/** @type {Buffer} the client's static key, known after the handshake */
		this.clientKey = Buffer.alloc(0);
		/** @type {import('./registration.js').Registration | null} while it waits to be linked */
		this.registration = null;
		/**
		 * @type {{ account: import('./people.js').Account, device: import('./people.js').LinkedDevice } | null} after login
		 */
		this.login = null;
		/** The client asked for what came while it was away. */
		this.isActive = false;
		/** `available` or `unavailable`, as the client said last. @type {string | null} */
		this.presence = null;
		/** @type {Promise<void>} */
		this.work = Promise.resolve();
		socket.on('message', (data) => this.#heard(/** @type {Buffer} */ (data)));
		socket.on('close', () => owner.left(this));
		socket.on('error', () => socket.terminate());
	}

	/** @param {Node} stanza */
	send(stanza) {
		if (this.isSilent || this.socket.readyState !== this.socket.OPEN) {
			return;
		}
		const isFromServer = this.hasBareAddress && stanza.attrs.from === SERVER;
		const said = isFromServer ? { ...stanza, attrs: { ...stanza.attrs, from: SERVER.slice(1) } } : stanza;
		this.socket.send(frame(this.noise.seal(encodeBinaryNode(said))));
	}

	/** Says goodbye with a stanza and hangs up. @param {Node} stanza */
	sendAndClose(stanza) {
		this.send(stanza);
		this.close();
	}

	/** @param {string | number | undefined} code @param {Node[]} [content] */
	streamError(code, content = []) {
		this.sendAndClose(node('stream:error', { code }, content));
	}

	close() {
		this.socket.close();
	}

	/** From now on nothing passes in either direction. */
	die() {
		this.isSilent = true;
		this.isDead = true;
		this.socket.pause();
	}

	/** Hangs up without a word. */
	drop() {
		this.socket.terminate();
	}

	/** @param {Buffer} data */
	#heard(data) {
		if (this.isSilent) {
			return;
		}
		/** @type {Buffer[]} */
		let frames;
		try {
			frames = this.reader.read(data);
		} catch (error) {
			this.#broke(error);
			return;
		}
		for (const one of frames) {
			this.work = this.work.then(() => this.#take(one)).catch((error) => this.#broke(error));
		}
	}

	/** @param {Buffer} received */
	async #take(received) {
		if (this.isSilent) {
			return;
		}
		if (this.stage === 'hello') {
			this.socket.send(frame(this.noise.answerHello(received)));
			this.stage = 'finish';
		} else if (this.stage === 'finish') {
			const { clientKey, payload } = this.noise.finish(received);
			this.clientKey = clientKey;
			this.stage = 'open';
			await this.owner.greeted(this, payload);
		} else {
			await this.owner.said(this, await decodeBinaryNode(this.noise.open(received)));
		}
	}

	/** @param {unknown} error */
	#broke(error) {
		this.owner.broke(this, error instanceof Error ? error : new Error(String(error)));
		this.drop();
	}
}
