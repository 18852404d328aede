/* Rings and pages without a name go to another process over a Unix socket; ends and deaths are told. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <signal.h>
#include <sys/socket.h>

enum { FRAMES = 200 };
static const char SCHEMA[] = "numbers";

/* Passes a descriptor and closes it here: its locks are the other's then. */
static void pass(int socket, int32_t fd) {
    char byte = '!';
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {.space = {0}};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    CHECK(sendmsg(socket, &message, 0) == 1);
    close(fd);
}

static int32_t receive(int socket) {
    char byte;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {.space = {0}};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    CHECK(recvmsg(socket, &message, 0) == 1);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    CHECK(header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS);
    int32_t fd;
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

static const circlet_ring_options WITH_SCHEMA = {.struct_size = sizeof WITH_SCHEMA, .schema = SCHEMA};

/* Gets a ring to read, a ring to write and a page; never ends by itself. */
static void echo(void *data) {
    int *sockets = data;
    close(sockets[0]);
    circlet_ring *there, *back;
    circlet_page *page;
    /* A descriptor is owned also where it is refused. */
    EXPECT(CIRCLET_BAD_SCHEMA, circlet_ring_from_fd(receive(sockets[1]), NULL, &there));
    EXPECT(CIRCLET_BAD_MODE, circlet_ring_from_fd(receive(sockets[1]), &WITH_SCHEMA, &there));
    EXPECT(0, circlet_ring_from_fd(receive(sockets[1]), &WITH_SCHEMA, &there));
    EXPECT(0, circlet_ring_from_fd(receive(sockets[1]), &WITH_SCHEMA, &back));
    EXPECT(0, circlet_page_from_fd(receive(sockets[1]), SCHEMA, &page));
    circlet_frame frame;
    for (uint32_t number = 0; number < FRAMES; number++) {
        EXPECT(0, circlet_ring_recv(there, LONG, &frame));
        EXPECT(0, circlet_ring_send(back, frame.data, frame.len, LONG));
        EXPECT(0, circlet_page_write(page, &number, sizeof number));
    }
    EXPECT(CIRCLET_CLOSED, circlet_ring_recv(there, LONG, &frame));
    circlet_ring_close(there);
    CHECK(write(sockets[1], "!", 1) == 1);
    for (;;) pause();
}

int main(void) {
    alarm(120);
    int sockets[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    /* Before there is anything that it could inherit. */
    pid_t child = start(echo, sockets);
    close(sockets[1]);

    circlet_ring *there, *back;
    circlet_page *page;
    EXPECT(0, circlet_ring_anonymous(&WITH_SCHEMA, &there));
    EXPECT(0, circlet_ring_anonymous(&WITH_SCHEMA, &back));
    EXPECT(0, circlet_page_anonymous(100, SCHEMA, &page));
    int32_t fd;
    EXPECT(0, circlet_ring_export_fd(there, &fd));
    pass(sockets[0], fd);
    EXPECT(0, circlet_page_export_fd(page, &fd));
    pass(sockets[0], fd);
    EXPECT(0, circlet_ring_export_fd(there, &fd));
    pass(sockets[0], fd);
    EXPECT(0, circlet_ring_export_fd(back, &fd));
    pass(sockets[0], fd);
    EXPECT(0, circlet_page_export_fd(page, &fd));
    pass(sockets[0], fd);

    circlet_frame frame;
    for (uint32_t number = 0; number < FRAMES; number++) {
        uint8_t payload[64];
        fill(payload, sizeof payload, number);
        EXPECT(0, circlet_ring_send(there, payload, number % 65, LONG));
        EXPECT(0, circlet_ring_recv(back, LONG, &frame));
        CHECK(frame.len == number % 65 && is_filled(frame.data, frame.len, number));
    }
    circlet_ring_close(there);
    char byte;
    CHECK(read(sockets[0], &byte, 1) == 1);
    const void *value;
    uint64_t version;
    uint32_t last;
    EXPECT(4, circlet_page_read(page, 0, &value, &version));
    memcpy(&last, value, sizeof last);
    CHECK(version == FRAMES && last == FRAMES - 1);

    CHECK(kill(child, SIGKILL) == 0);
    EXPECT(CIRCLET_PEER_DIED, circlet_ring_recv(back, LONG, &frame));
    EXPECT(CIRCLET_PEER_DIED, circlet_page_read(page, LONG, &value, &version));
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    circlet_ring_stats stats;
    EXPECT(0, circlet_ring_get_stats(back, &stats));
    CHECK(stats.producer == 3 && stats.frames_sent == FRAMES);
    /* Its seat is free again. */
    EXPECT(0, circlet_page_write(page, "next", 4));
    EXPECT(4, circlet_page_read(page, 0, &value, &version));
    CHECK(version == FRAMES + 1);
    circlet_ring_close(back);
    circlet_page_close(page);
    close(sockets[0]);
    return 0;
}
