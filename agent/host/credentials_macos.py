"""The System keychain, which the system unlocks for daemons, asked through Apple's own `security(1)`.

It prints the password on its standard output, so the value stands on no command line and in no log. What the keychain holds is
text: `security` prints anything else in hexadecimal digits.
"""

import subprocess

PROGRAM = "/usr/bin/security"
KEYCHAIN = "/Library/Keychains/System.keychain"
_SERVICE = "mcp-compliance-agent"
_NOT_FOUND = 44  # errSecItemNotFound (-25300), as an exit status
_WITHIN_S = 10.0


def in_keychain(name: str, program: str = PROGRAM, keychain: str = KEYCHAIN) -> bytes:
    """Return the generic password of the account `name`.

    Raises:
        OSError: `security` cannot be started, or does not answer.
        ValueError: the keychain holds no such password, or does not give it.
    """
    command = [program, "find-generic-password", "-s", _SERVICE, "-a", name, "-w", keychain]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_WITHIN_S, env={}, cwd="/", check=False
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(0, f"{program} did not answer within {_WITHIN_S:.0f} s") from None
    if done.returncode == _NOT_FOUND:
        raise ValueError(f"{keychain} holds no password of the service {_SERVICE} and the account {name}")
    if done.returncode:
        raise ValueError(f"{keychain} does not give the password of the account {name} (status {done.returncode})")
    return done.stdout.removesuffix(b"\n")
