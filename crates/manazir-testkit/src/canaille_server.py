"""An identity server with two people and one client: PORT CALLBACK."""

import sys

from canaille import create_app
from canaille.app import models
from joserfc.jwk import RSAKey
from werkzeug.serving import make_server

port, callback = int(sys.argv[1]), sys.argv[2]
key = RSAKey.generate_key(2048, auto_kid=True)
app = create_app(
    {
        "SECRET_KEY": "gone when the test is",
        "SERVER_NAME": f"127.0.0.1:{port}",
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory", "JAVASCRIPT": False},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [key.as_dict(private=True)], "TRUSTED_DOMAINS": []},
    },
    env_file="",
)
with app.app_context(), app.backend.session():
    for name in ("ada", "bob"):
        person = models.User(
            user_name=name,
            display_name=name,
            family_name=name.title(),
            formatted_name=f"{name.title()} Example",
            emails=[f"{name}@example.org"],
            password="a quiet harbor",
        )
        app.backend.save(person)
    client = models.Client(
        client_id="manazir",
        client_secret="kept-apart",
        client_name="Manazir",
        client_uri="https://manazir.example",
        redirect_uris=[callback],
        grant_types=["authorization_code"],
        response_types=["code"],
        scope=["openid", "profile", "email"],
        token_endpoint_auth_method="client_secret_basic",
    )
    app.backend.save(client)
    client.audience = [client]
    app.backend.save(client)


def whatever_the_host(environ, start_response):
    """Callers of tests say another one; it would send them to itself."""
    environ["HTTP_HOST"] = f"127.0.0.1:{port}"
    return app(environ, start_response)


make_server("127.0.0.1", port, whatever_the_host, threaded=True).serve_forever()
