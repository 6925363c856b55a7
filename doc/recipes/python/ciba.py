"""Has a user authenticated by OpenID CIBA, and prints his ID token.

Usage: python3 ciba.py ISSUER CLIENT_ID LOGIN_PROFILE HINT_PROFILE USER"""
import sys
import time

from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.jose import jwt

from hintsign import client_auth, mint

issuer, client_id, login, hint, user = sys.argv[1:]
session = OAuth2Session(client_id, token_endpoint_auth_method=client_auth(login, issuer))


def fetch(url):
    response = session.get(url, withhold_token=True)
    response.raise_for_status()
    return response.json()


provider = fetch(issuer + "/.well-known/openid-configuration")
response = session.post(
    provider["backchannel_authentication_endpoint"],
    auth=session.client_auth(session.token_endpoint_auth_method),
    data={"scope": "openid", "login_hint_token": mint(hint, audience=issuer, claims={"sub": user})})
request = response.json()
if not response.ok:
    sys.exit(f"{request['error']}: {request.get('error_description')}")

tokens, interval = None, request.get("interval", 5)
while not tokens:
    time.sleep(interval)
    try:
        tokens = session.fetch_token(
            provider["token_endpoint"], auth_req_id=request["auth_req_id"],
            grant_type="urn:openid:params:grant-type:ciba")
    except OAuthError as error:
        if error.error == "slow_down":
            interval += 5
        elif error.error != "authorization_pending":
            raise

jwt.decode(tokens["id_token"], fetch(provider["jwks_uri"]), claims_options={
    "iss": {"essential": True, "value": issuer}, "aud": {"essential": True, "value": client_id},
}).validate()
print(tokens["id_token"])
