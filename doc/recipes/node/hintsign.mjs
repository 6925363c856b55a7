// Tokens from hintsign-agent, for Node.js 20 and later; client authentication for openid-client 6.
import net from 'node:net';

const SOCKET = process.env.HINTSIGN_SOCKET ?? '/run/hintsign/agent.sock';
const TIMEOUT_MS = 10_000;

// A token of the profile; `parameters` may have audience, claims and reference. The Error of a
// refusal has what the agent says: error, message, often retry_after_ms.
export async function mint(profile, parameters = {}) {
    const call = { method: 'io.hintsign.Agent.Mint', parameters: { profile, ...parameters } };
    const socket = net.connect(SOCKET).setEncoding('utf8');
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('hintsign-agent does not answer')));
    socket.end(`${JSON.stringify(call)}\0`);
    let text = '';
    for await (const part of socket) text += part;
    if (!text.endsWith('\0')) throw new Error('hintsign-agent has hung up');
    const reply = JSON.parse(text.slice(0, -1));
    if (reply.error) throw Object.assign(new Error(reply.error), { error: reply.error, ...reply.parameters });
    return reply.parameters.token;
}

// For discovery() and Configuration: each request has a client assertion of its own.
export const clientAuth = (profile) => async (server, client, body) => {
    body.set('client_id', client.client_id);
    body.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer');
    body.set('client_assertion', await mint(profile, { audience: server.issuer }));
};
