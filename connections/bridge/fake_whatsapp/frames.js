/** Cuts the byte stream of a client into frames: three bytes of length, then that many bytes. */
import { NOISE_WA_HEADER } from 'baileys';

/** Put before a frame's length only by a client that was told which edge server to use. */
const ROUTING_MARK = Buffer.from([0x45, 0x44, 0, 1]);

export class FrameReader {
	constructor() {
		/** @type {Buffer} */
		this.rest = Buffer.alloc(0);
		this.hasHeader = false;
	}

	/**
	 * @param {Buffer} chunk
	 * @returns {Buffer[]} the frames that are complete now; throws on a foreign header
	 */
	read(chunk) {
		this.rest = Buffer.concat([this.rest, chunk]);
		if (!this.hasHeader && !this.#skipHeader()) {
			return [];
		}
		const frames = [];
		while (this.rest.length >= 3) {
			const size = this.rest.readUIntBE(0, 3);
			if (this.rest.length < size + 3) {
				break;
			}
			frames.push(this.rest.subarray(3, size + 3));
			this.rest = this.rest.subarray(size + 3);
		}
		return frames;
	}

	#skipHeader() {
		let start = 0;
		if (this.rest.subarray(0, 4).equals(ROUTING_MARK)) {
			if (this.rest.length < 7) {
				return false;
			}
			start = 7 + this.rest.readUIntBE(4, 3);
		}
		const end = start + NOISE_WA_HEADER.length;
		if (this.rest.length < end) {
			return false;
		}
		if (!this.rest.subarray(start, end).equals(NOISE_WA_HEADER)) {
			throw new Error('The client speaks another protocol');
		}
		this.rest = this.rest.subarray(end);
		this.hasHeader = true;
		return true;
	}
}

/** @param {Uint8Array} data @returns {Buffer} */
export function frame(data) {
	const length = Buffer.alloc(3);
	length.writeUIntBE(data.length, 0, 3);
	return Buffer.concat([length, data]);
}
