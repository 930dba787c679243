/* The least that `get` can be: a bare process, one connection, and the calls that a Secret Service needs for a secret.
 *
 * Usage: floor process                               a process that ends at once
 *        floor connect SOCKET                        and logs in to the bus
 *        floor get SOCKET REGISTRY                   and opens a session, searches and reads a secret
 *        floor list SOCKET Attributes|Label          and searches, and asks each item for that property
 * No check that a program for people would need. Little-endian machines only. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char out[1 << 18], in[1 << 18];
static size_t length, origin; /* of what is in `out`; where its last message starts */
static uint32_t serial;
static int bus;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void align(size_t to) {
    while ((length - origin) % to) out[length++] = 0;
}
static void number(uint32_t value) {
    align(4);
    memcpy(out + length, &value, 4);
    length += 4;
}
static void text(const char *value) {
    number(strlen(value));
    strcpy(out + length, value);
    length += strlen(value) + 1;
}
static void signature(const char *value) {
    out[length++] = strlen(value);
    strcpy(out + length, value);
    length += strlen(value) + 1;
}
static void field(char code, const char *type, const char *value) {
    align(8);
    out[length++] = code;
    signature(type);
    if (*type == 'g') signature(value);
    else text(value);
}

/* Starts a message; its body comes after this. */
static void call(const char *to, const char *path, const char *interface, const char *method, const char *body) {
    origin = length;
    memcpy(out + length, "l\1\0\1", 4);
    length += 4;
    number(0);
    number(++serial);
    number(0);
    field(1, "o", path);
    field(2, "s", interface);
    field(3, "s", method);
    field(6, "s", to);
    if (*body) field(8, "g", body);
    uint32_t fields = length - origin - 16;
    memcpy(out + origin + 12, &fields, 4);
    align(8);
}
static void end(void) {
    uint32_t fields;
    memcpy(&fields, out + origin + 12, 4);
    uint32_t body = length - origin - 16 - (fields + 7) / 8 * 8;
    memcpy(out + origin + 4, &body, 4);
}

static void flush(void) {
    for (size_t at = 0; at < length;) {
        ssize_t sent = write(bus, out + at, length - at);
        if (sent < 0) fail("write");
        at += sent;
    }
    length = origin = 0;
}

/* Reads until the answers up to call `last` have come; gives the body of that one. */
static char *answer(uint32_t last) {
    static size_t have, at;
    for (;;) {
        while (have - at >= 16) {
            uint32_t body, fields;
            memcpy(&body, in + at + 4, 4);
            memcpy(&fields, in + at + 12, 4);
            size_t head = 16 + (fields + 7) / 8 * 8;
            if (have - at < head + body) break;
            char *message = in + at;
            at += head + body;
            if (message[1] == 3) fail("an error came back");
            for (char *f = message + 16; f < message + 16 + fields;) {
                uint32_t size;
                if (f[0] == 5) {
                    memcpy(&size, f + 4, 4);
                    if (size == last) return message + head;
                    f += 8;
                } else if (f[0] == 8) {
                    f += 4 + (unsigned char)f[4] + 2;
                } else {
                    memcpy(&size, f + 4, 4);
                    f += 8 + size + 1;
                }
                while ((f - message) % 8) f++;
            }
        }
        if (at == have) at = have = 0;
        if (have == sizeof in) fail("too much");
        ssize_t got = read(bus, in + have, sizeof in - have);
        if (got <= 0) fail("read");
        have += got;
    }
}

#define SECRETS "org.freedesktop.secrets", "/org/freedesktop/secrets", "org.freedesktop.Secret.Service"

static uint32_t search(const char *registry) {
    call(SECRETS, "SearchItems", "a{ss}");
    size_t size_at = length;
    number(0);
    align(8);
    size_t first = length;
    text("service"), text("kubectl-regcred");
    if (registry) {
        align(8), text("use"), text("docker");
        align(8), text("registry"), text(registry);
    }
    uint32_t size = length - first;
    memcpy(out + size_at, &size, 4);
    end();
    return serial;
}

int main(int count, char **args) {
    if (count == 2) return 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strncpy(address.sun_path, args[2], sizeof address.sun_path - 1);
    bus = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(bus, (struct sockaddr *)&address, sizeof address)) fail("connect");
    char user[16], hex[33] = "";
    snprintf(user, sizeof user, "%u", geteuid());
    for (char *digit = user; *digit; digit++) snprintf(hex + strlen(hex), 3, "%02x", *digit);
    length = 1 + sprintf(out + 1, "AUTH EXTERNAL %s\r\n", hex);
    flush();
    if (read(bus, in, sizeof in) < 2 || memcmp(in, "OK", 2)) fail("login");
    length = sprintf(out, "BEGIN\r\n");
    flush();
    call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello", "");
    end();
    if (!strcmp(args[1], "connect")) {
        flush();
        answer(serial);
        return 0;
    }
    /* gnome-keyring may abort on what it is asked by a program that it has answered nothing yet: the same first call as ours. */
    call("org.freedesktop.secrets", "/org/freedesktop/secrets", "org.freedesktop.DBus.Properties", "Get", "ss");
    text("org.freedesktop.Secret.Service"), text("Collections");
    end();
    flush();
    char *body = answer(serial);
    if (!strcmp(args[1], "get")) {
        call(SECRETS, "OpenSession", "sv");
        text("plain"), signature("s"), text("");
        end();
        uint32_t open = serial, found = search(args[3]);
        flush();
        body = answer(open);
        char session[256], item[256];
        strcpy(session, memchr(body, '/', 64)); /* after a variant with a text of no length */
        body = answer(found);
        strcpy(item, body + 4 + 4);
        call("org.freedesktop.secrets", item, "org.freedesktop.Secret.Item", "GetSecret", "o");
        text(session);
        end();
        flush();
        body = answer(serial);
        return strcmp(body + 4, session); /* what a secret starts with */
    }
    uint32_t found = search(NULL), size;
    flush();
    body = answer(found);
    memcpy(&size, body, 4);
    char *paths = malloc(size);
    memcpy(paths, body + 4, size);
    for (char *path = paths; path < paths + size;) {
        call("org.freedesktop.secrets", path + 4, "org.freedesktop.DBus.Properties", "Get", "ss");
        text("org.freedesktop.Secret.Item"), text(args[3]);
        end();
        path += 4 + strlen(path + 4) + 1;
        while ((path - paths) % 4) path++;
    }
    flush();
    answer(serial);
    return 0;
}
