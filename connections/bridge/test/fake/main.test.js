/** The command: wrong input gets a sentence and exit code 2, a taken port 1. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:net';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../fake_whatsapp/main.js', import.meta.url));

/** @param {string[]} words @returns {Promise<{ status: unknown, stderr: string }>} */
function run(...words) {
	return new Promise((resolve) => {
		execFile(process.execPath, [MAIN, ...words], { timeout: 20_000 }, (error, _stdout, stderr) => resolve({ status: error?.code ?? 0, stderr }));
	});
}

describe('what is wrong is told', { concurrency: 2 }, () => {
	for (const [words, says] of /** @type {[string[], RegExp][]} */ ([
		[['--port', 'abc'], /--port must be a whole number/],
		[['--control-port', '70000'], /--control-port must be a whole number/],
		[['--account', 'Ada'], /PHONE=NAME/],
		[['--bogus'], /--bogus/]
	])) {
		test(words.join(' '), async () => {
			const { status, stderr } = await run(...words);
			assert.equal(status, 2);
			assert.match(stderr, says);
			assert.doesNotMatch(stderr, /\n\s+at /);
		});
	}

	test('a port that is taken', async (t) => {
		const other = createServer();
		await new Promise((resolve) => other.listen(0, '127.0.0.1', () => resolve(undefined)));
		t.after(() => other.close());
		const { port } = /** @type {import('node:net').AddressInfo} */ (other.address());
		const { status, stderr } = await run('--port', String(port));
		assert.equal(status, 1);
		assert.match(stderr, /port is taken/);
	});
});
