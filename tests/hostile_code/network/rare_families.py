# Makes a socket of one of the rarer families.
import socket


def made(family, kind):
    with socket.socket(family, kind) as one:
        return f"descriptor {one.fileno()} of family {family}"


# AX.25, IPX, X.25, CAN, TIPC, RxRPC, phonet, IEEE 802.15.4, NFC, KCM, QIPCRTR, SMC, MCTP.
families = (3, 4, 9, 29, 30, 33, 35, 36, 39, 41, 42, 43, 45)
outcome = tried(
    lambda: first_of(
        lambda family=family, kind=kind: made(family, kind) for family in families for kind in (1, 2, 3, 5)
    ),
    lacking=("EAFNOSUPPORT", "ESOCKTNOSUPPORT", "EPROTONOSUPPORT"),
)
