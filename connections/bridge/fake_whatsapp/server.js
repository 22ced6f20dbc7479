/** A WhatsApp of its own: accounts, customers, and a WebSocket server that linked devices connect to. */
import { EventEmitter } from 'node:events';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { newChainKeys, signedChain } from './certificates.js';
import { Connection } from './connection.js';
import { Desk } from './desk.js';
import { Faults } from './faults.js';
import { FromDevices } from './from_devices.js';
import { Linking } from './linking.js';
import { children, node, SERVER, unixNow } from './nodes.js';
import { Directory } from './people.js';
import { answer } from './queries.js';
import { Queue } from './queue.js';
import { Registration } from './registration.js';
import { StateFile } from './state_file.js';
import { ToDevices } from './to_devices.js';

/**
 * @typedef {import('./nodes.js').Node} Node
 * @typedef {import('./people.js').Account} Account
 * @typedef {import('./people.js').LinkedDevice} LinkedDevice
 * @typedef {import('baileys').proto.IClientPayload} ClientPayload
 * @typedef {'drop' | 'close' | 'xmlstreamend' | 'replaced' | 'silent' | 'dead' | number} Cut a number is the code of a stream error
 *
 * @typedef {object} Happening
 * @property {number} number counts up
 * @property {string} at RFC 3339
 * @property {string} what
 * @property {Record<string, unknown>} about
 */

/** At least so many of the last ones. */
const REMEMBERED_HAPPENINGS = 1000;

/** Emits `happening` with a {@link Happening}. */
export class FakeWhatsApp extends EventEmitter {
	/**
	 * @param {object} [options]
	 * @param {number} [options.port] 0: any free one
	 * @param {string} [options.stateFile] kept in memory only when absent
	 */
	constructor({ port = 0, stateFile } = {}) {
		super();
		this.port = port;
		this.stateFile = stateFile === undefined ? null : new StateFile(stateFile);
		this.people = new Directory();
		this.chainKeys = newChainKeys();
		/** @type {Set<Connection>} */
		this.connections = new Set();
		/** @type {Happening[]} */
		this.happenings = [];
		this.faults = new Faults();
		this.queue = new Queue((device) => this.connectionOf(device));
		this.toDevices = new ToDevices(this.people, this.queue, this.faults);
		this.fromDevices = new FromDevices(this.people, this.queue, this.toDevices, this.faults, (what, about) =>
			this.happened(what, about)
		);
		this.linking = new Linking(() => this.connections);
		this.desk = new Desk(this);
		this.http = createServer((_request, response) => response.writeHead(404).end());
		this.webSockets = new WebSocketServer({ noServer: true });
		this.http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head));
	}

	/** Where clients connect. */
	get url() {
		return `ws://127.0.0.1:${this.port}/ws/chat`;
	}

	/** Public root key in hex, which clients must trust. */
	get rootKey() {
		return this.chainKeys.root.public.toString('hex');
	}

	async start() {
		const kept = this.stateFile?.read();
		if (kept) {
			this.chainKeys = kept.chainKeys;
			this.people.restore(kept.accounts, kept.customers);
		}
		this.certificates = signedChain(this.chainKeys);
		await new Promise((resolve, reject) => {
			this.http.once('error', reject);
			this.http.listen(this.port, '127.0.0.1', () => resolve(undefined));
		});
		this.port = /** @type {import('node:net').AddressInfo} */ (this.http.address()).port;
		// Who was told this root key trusts no other after a crash.
		this.stateFile?.write(this);
		return this;
	}

	async stop() {
		this.cut('drop');
		this.http.closeAllConnections();
		await new Promise((resolve) => this.http.close(() => resolve(undefined)));
		const file = this.stateFile;
		// Connections go on leaving for a moment; that must not write again.
		this.stateFile = null;
		file?.write(this);
	}

	/** @param {LinkedDevice} device */
	connectionOf(device) {
		return [...this.connections].find((one) => one.login?.device === device);
	}

	/**
	 * Something from the server itself to all devices of an account.
	 *
	 * @param {Account} account
	 * @param {Node} stanza
	 */
	tell(account, stanza) {
		for (const device of account.devices.values()) {
			this.queue.push(device, stanza);
		}
	}

	/**
	 * Removes a device, as the owner does on the phone; says whether there was one.
	 *
	 * @param {Account} account
	 * @param {number} number
	 */
	unlink(account, number) {
		const device = account.devices.get(number);
		if (!device) {
			return false;
		}
		account.devices.delete(number);
		const code = this.faults.quirks.saysCode ? 401 : undefined;
		this.connectionOf(device)?.streamError(code, [node('conflict', { type: 'device_removed' })]);
		this.happened('unlinked', { account: account.phone, device: number });
		return true;
	}

	/**
	 * Ends the connections of an account, or of everybody. Says how many.
	 *
	 * @param {Cut} how
	 * @param {Account} [account]
	 */
	cut(how, account) {
		const hit = [...this.connections].filter((one) => account === undefined || one.login?.account === account);
		for (const connection of hit) {
			cutOne(connection, how);
		}
		return hit.length;
	}

	/** Hangs up on everybody and lets nobody in for a while. @param {number} seconds */
	goAway(seconds) {
		this.faults.awayUntil = Date.now() + seconds * 1000;
		return this.cut('drop');
	}

	/** @param {string} what @param {Record<string, unknown>} about */
	happened(what, about) {
		const number = (this.happenings.at(-1)?.number ?? 0) + 1;
		const happening = { number, at: new Date().toISOString(), what, about };
		this.happenings.push(happening);
		if (this.happenings.length > 2 * REMEMBERED_HAPPENINGS) {
			this.happenings = this.happenings.slice(-REMEMBERED_HAPPENINGS);
		}
		this.emit('happening', happening);
		this.stateFile?.writeSoon(this);
	}

	/** @param {Connection} connection @param {ClientPayload} payload */
	greeted(connection, payload) {
		const phone = payload.username ? String(payload.username) : undefined;
		const failure = this.faults.nextLoginFailure(phone);
		if (failure) {
			const { reason, code, expire } = failure;
			connection.sendAndClose(node('failure', { reason, code, expire, location: 'fake' }));
		} else if (phone !== undefined) {
			this.#login(connection, phone, payload.device ?? 0);
		} else if (payload.devicePairingData) {
			connection.registration = new Registration(connection, payload.devicePairingData, this.faults.quirks);
			connection.registration.begin();
		} else {
			connection.sendAndClose(node('failure', { reason: 400, location: 'fake' }));
		}
	}

	/** @param {Connection} connection @param {Node} stanza */
	async said(connection, stanza) {
		const { registration, login } = connection;
		const send = (/** @type {Node} */ one) => connection.send(one);
		if (stanza.tag === 'iq' && (stanza.attrs.type === 'result' || stanza.attrs.type === 'error')) {
			this.#signed(registration, stanza);
		} else if (stanza.tag === 'iq') {
			answer(connection, stanza, {
				people: this.people,
				quirks: this.faults.quirks,
				refusesCodes: this.linking.refusesCodes,
				becameActive: ({ account, device }) => {
					this.queue.deliverMissed(device, connection, this.faults.quirks);
					this.toDevices.sendHistory(account, device).catch((error) => this.broke(connection, error));
				},
				deviceLeaves: (account, number) => this.unlink(account, number),
				mediaHost: `127.0.0.1:${this.port}`
			});
		} else if (stanza.tag === 'ack' && registration) {
			registration.rotationId = registration.rotationId === stanza.attrs.id ? null : registration.rotationId;
		} else if (login && stanza.tag === 'ack') {
			this.fromDevices.acknowledged(login, stanza);
		} else if (login && stanza.tag === 'message') {
			await this.fromDevices.message(login, stanza, send);
		} else if (login && stanza.tag === 'receipt') {
			await this.fromDevices.receipt(login, stanza, send);
		} else if (login && stanza.tag === 'presence' && stanza.attrs.type) {
			connection.presence = stanza.attrs.type;
		} else if (login && stanza.tag === 'ib' && children(stanza).some(({ tag }) => tag === 'offline_batch')) {
			this.queue.deliverBatch(login.device, connection, this.faults.quirks);
		} else if (login && stanza.tag === 'chatstate') {
			this.fromDevices.typing(login, stanza);
		}
		this.stateFile?.writeSoon(this);
	}

	/** @param {Connection} connection */
	left(connection) {
		this.connections.delete(connection);
		connection.registration?.abandon();
		if (connection.login) {
			const { account, device } = connection.login;
			this.happened('offline', { account: account.phone, device: device.number });
		}
	}

	/** @param {Connection} _connection @param {Error} error */
	broke(_connection, error) {
		this.happened('connection-broke', { why: error.message });
	}

	/** @param {Connection} connection @param {string} phone @param {number} number */
	#login(connection, phone, number) {
		const account = this.people.accounts.get(phone);
		const device = account?.devices.get(number);
		if (!account || !device?.noiseKey.equals(connection.clientKey)) {
			connection.sendAndClose(node('failure', { reason: 401, location: 'fake' }));
			return;
		}
		const earlier = this.connectionOf(device);
		if (earlier) {
			cutOne(earlier, 'replaced');
			earlier.login = null;
		}
		connection.login = { account, device };
		const { hasLids, repeatsLid } = this.faults.quirks;
		const lid = hasLids && repeatsLid ? account.jid('lid', number) : undefined;
		connection.send(node('success', { t: unixNow(), props: 0, location: 'fake', lid, display_name: account.name }));
		this.happened('online', { account: phone, device: number });
	}

	/** @param {Registration | null} registration @param {Node} stanza */
	#signed(registration, stanza) {
		const account = registration?.signing?.account;
		const before = account?.devices.size;
		registration?.signed(stanza);
		if (account && account.devices.size !== before) {
			this.happened('linked', { account: account.phone, device: account.nextDevice - 1 });
		}
	}

	/**
	 * @param {import('node:http').IncomingMessage} request
	 * @param {import('node:stream').Duplex} socket
	 * @param {Buffer} head
	 */
	#upgrade(request, socket, head) {
		if (this.faults.isAway()) {
			socket.destroy();
			return;
		}
		const status = this.faults.nextRefusedUpgrade();
		if (status !== undefined) {
			socket.end(`HTTP/1.1 ${status} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
			return;
		}
		this.webSockets.handleUpgrade(request, socket, head, (webSocket) => {
			const connection = new Connection(
				webSocket,
				this.chainKeys.leaf,
				/** @type {Uint8Array} */ (this.certificates),
				this
			);
			connection.isSilent = this.faults.isMute;
			connection.hasBareAddress = this.faults.quirks.hasBareAddress;
			this.connections.add(connection);
		});
	}
}

/** @param {Connection} connection @param {Cut} how */
function cutOne(connection, how) {
	if (how === 'drop') {
		connection.drop();
	} else if (how === 'dead') {
		connection.die();
	} else if (connection.isDead) {
		// Whatever is said to it, it does not arrive.
	} else if (how === 'close') {
		connection.close();
	} else if (how === 'xmlstreamend') {
		connection.sendAndClose(node('xmlstreamend', { from: SERVER }));
	} else if (how === 'replaced') {
		connection.streamError(undefined, [node('conflict', { type: 'replaced' })]);
	} else if (how === 'silent') {
		connection.isSilent = true;
	} else {
		connection.streamError(how);
	}
}
