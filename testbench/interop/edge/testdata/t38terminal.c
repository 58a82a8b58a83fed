// A fax terminal over UDPTL from spandsp, for tests: "page FILE" writes a page,
// "same FILE FILE" compares two, "send IP FILE" and "receive IP FILE" print the port that
// they have, read the other's address from stdin, and print each datagram.
// cc t38terminal.c -lspandsp -ltiff -lm
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <tiffio.h>
#include <unistd.h>
#include <spandsp.h>

enum { WIDTH = 1728, ROWS = 120, OCTETS = WIDTH / 8, TICK_MS = 5, SAMPLES = 160, MOST_MS = 60000, REDUNDANCY = 2 };

static int sock = -1, ended = -1;
static struct { uint8_t data[256]; int len; } earlier[REDUNDANCY];
static int sent = 0;

static void print(const char *what, const uint8_t *b, int n)
{
    printf("%s ", what);
    for (int i = 0; i < n; i++)
        printf("%02x", b[i]);
    printf("\n");
    fflush(stdout);
}

static int field(uint8_t *to, const uint8_t *data, int len)
{
    int at = 0;
    if (len >= 0x80)
        to[at++] = 0x80 | (len >> 8);
    to[at++] = len & 0xFF;
    memcpy(to + at, data, len);
    return at + len;
}

// transmit wraps an IFP packet in UDPTL, with those before it as redundancy.
static int transmit(t38_core_state_t *core, void *user, const uint8_t *ifp, int len, int count)
{
    uint8_t b[2048];
    int n = 0, copies = sent < REDUNDANCY ? sent : REDUNDANCY;
    if (len > (int) sizeof(earlier[0].data))
        return -1;
    b[n++] = sent >> 8;
    b[n++] = sent & 0xFF;
    n += field(b + n, ifp, len);
    b[n++] = 0; // secondary packets follow
    b[n++] = copies;
    for (int i = 0; i < copies; i++)
        n += field(b + n, earlier[i].data, earlier[i].len);
    for (int i = REDUNDANCY - 1; i > 0; i--)
        earlier[i] = earlier[i - 1];
    memcpy(earlier[0].data, ifp, len);
    earlier[0].len = len;
    sent++;
    if (send(sock, b, n, 0) == n)
        print("sent", b, n);
    return 0;
}

static void finished(t30_state_t *s, void *user, int result) { ended = result; }

static int page(const char *file)
{
    TIFF *t = TIFFOpen(file, "w");
    uint8_t row[OCTETS];
    if (!t)
        return 1;
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, WIDTH);
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, ROWS);
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 1);
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_CCITT_T4);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISWHITE);
    TIFFSetField(t, TIFFTAG_FILLORDER, FILLORDER_LSB2MSB);
    TIFFSetField(t, TIFFTAG_XRESOLUTION, 204.0);
    TIFFSetField(t, TIFFTAG_YRESOLUTION, 98.0);
    TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_INCH);
    TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, ROWS);
    for (int y = 0; y < ROWS; y++) {
        for (int x = 0; x < OCTETS; x++)
            row[x] = (x * 7 + y * 13) % 29 == 0 ? 0xF0 : 0x00;
        TIFFWriteScanline(t, row, y, 0);
    }
    TIFFClose(t);
    return 0;
}

// same reports whether two pages have the same dots.
static int same(const char *first, const char *second)
{
    TIFF *a = TIFFOpen(first, "r"), *b = TIFFOpen(second, "r");
    uint8_t x[OCTETS], y[OCTETS];
    uint32_t width = 0, rows = 0;
    if (!a || !b)
        return 1;
    TIFFGetField(b, TIFFTAG_IMAGEWIDTH, &width);
    TIFFGetField(b, TIFFTAG_IMAGELENGTH, &rows);
    if (width != WIDTH || rows != ROWS)
        return printf("%u dots by %u rows\n", width, rows), 1;
    for (int i = 0; i < ROWS; i++) {
        if (TIFFReadScanline(a, x, i, 0) < 0 || TIFFReadScanline(b, y, i, 0) < 0 || memcmp(x, y, OCTETS))
            return printf("row %d differs\n", i), 1;
    }
    return 0;
}

static int fax(int sends, const char *ip, const char *file)
{
    struct sockaddr_in own = {.sin_family = AF_INET}, other = own;
    socklen_t size = sizeof(own);
    char address[64];
    int port;
    inet_pton(AF_INET, ip, &own.sin_addr);
    sock = socket(AF_INET, SOCK_DGRAM, 0);
    if (bind(sock, (struct sockaddr *) &own, size) || getsockname(sock, (struct sockaddr *) &own, &size))
        return 1;
    printf("port %d\n", ntohs(own.sin_port));
    fflush(stdout);
    if (scanf("%63s %d", address, &port) != 2)
        return 1;
    inet_pton(AF_INET, address, &other.sin_addr);
    other.sin_port = htons(port);
    if (connect(sock, (struct sockaddr *) &other, size))
        return 1;

    t38_terminal_state_t *t = t38_terminal_init(NULL, sends, transmit, NULL);
    t30_state_t *t30 = t38_terminal_get_t30_state(t);
    t38_core_state_t *core = t38_terminal_get_t38_core_state(t);
    t38_set_t38_version(core, 0);
    if (sends)
        t30_set_tx_file(t30, file, -1, -1);
    else
        t30_set_rx_file(t30, file, -1);
    t30_set_phase_e_handler(t30, finished, NULL);
    for (int ms = 0, tail = 0; ms < MOST_MS && tail < 100; ms += TICK_MS) {
        struct pollfd p = {.fd = sock, .events = POLLIN};
        struct timespec pause = {.tv_nsec = TICK_MS * 1000000};
        while (poll(&p, 1, 0) > 0) {
            uint8_t b[2048];
            int n = recv(sock, b, sizeof(b), 0), at = 2, len;
            if (n < 4)
                break;
            print("received", b, n);
            len = b[at++];
            if (len >= 0x80)
                len = (len & 0x3F) << 8 | b[at++];
            if (at + len <= n)
                t38_core_rx_ifp_packet(core, b + at, len, b[0] << 8 | b[1]);
        }
        t38_terminal_send_timeout(t, SAMPLES); // four times as fast as a telephone line
        tail += ended >= 0;
        nanosleep(&pause, NULL);
    }
    printf("ended %d\n", ended);
    fflush(stdout);
    t38_terminal_free(t);
    return ended != T30_ERR_OK;
}

int main(int argc, char **argv)
{
    if (argc == 3 && !strcmp(argv[1], "page"))
        return page(argv[2]);
    if (argc == 4 && !strcmp(argv[1], "same"))
        return same(argv[2], argv[3]);
    if (argc == 4 && (!strcmp(argv[1], "send") || !strcmp(argv[1], "receive")))
        return fax(!strcmp(argv[1], "send"), argv[2], argv[3]);
    return 2;
}
