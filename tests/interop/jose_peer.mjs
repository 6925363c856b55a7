// Lets jose_matrix.py use npm jose as it uses jose_tool: a JSON object a line in, one a line out.
import { createInterface } from "node:readline";
import {
  CompactEncrypt, CompactSign, calculateJwkThumbprint, compactDecrypt, compactVerify, importJWK,
} from "jose";

const bytes = (text) => new TextEncoder().encode(text);
const text = (bytes) => new TextDecoder().decode(bytes);

const commands = {
  async seal({ alg, enc, key, kid, data }) {
    const header = { alg, enc, kid, cty: "JWT" };
    return new CompactEncrypt(bytes(data)).setProtectedHeader(header)
      .encrypt(await importJWK(key, alg));
  },
  async open({ alg, key, token }) {
    return text((await compactDecrypt(token, await importJWK(key, alg))).plaintext);
  },
  async sign({ alg, key, data }) {
    return new CompactSign(bytes(data)).setProtectedHeader({ alg, typ: "JWT" })
      .sign(await importJWK(key, alg));
  },
  async verify({ alg, key, token }) {
    const options = { algorithms: [alg] };
    return text((await compactVerify(token, await importJWK(key, alg), options)).payload);
  },
  thumbprint: ({ key }) => calculateJwkThumbprint(key),
};

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line);
  let reply;
  try {
    reply = { result: await commands[request.do](request) };
  } catch (error) {
    reply = { error: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(reply));
}
