/* Everything of mapshare.hpp, in the current folder; the argument tells whether that is on a mount. Built for C++17 and C++20. */
#include <mapshare.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace ms = libmapshare;
using namespace std::chrono_literals;

#define CHECK(condition)                                                         \
    do {                                                                         \
        if (!(condition)) {                                                      \
            std::fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                        \
        }                                                                        \
    } while (0)

/* What it does must throw this error; given a std::error_code, the same arrives there. */
template <class Call> void fails_with(std::errc expected, Call call)
{
    std::error_code code;

    call(ms::errors(code));
    CHECK(code == expected);
    try {
        call(ms::errors());
    } catch (const std::system_error &error) {
        CHECK(error.code() == expected);
        return;
    }
    CHECK(!"thrown");
}

template <class Body> void in_child(Body body)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        body();
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void opening(bool mount)
{
    std::error_code code;

    fails_with(std::errc::no_such_file_or_directory, [](ms::errors to) { CHECK(!ms::file::open("none", O_RDWR, {}, 0, to)); });
    ms::file file = ms::file::open("opened", O_RDWR | O_CREAT | O_EXCL, {10000}, 0600, code);
    CHECK(file && !code && file.size() == 10000 && file.fd() >= 0 && file.data() == ::mapshare_addr(file.handle()));
    code = std::make_error_code(std::errc::io_error);
    CHECK(file.stat(code).size == 10000 && !code); /* cleared */
    CHECK((file.stat().on_mount == 1) == mount);

    void *address = file.data();
    ms::file moved = std::move(file);
    CHECK(!file && moved.data() == address);
    file = std::move(moved);
    CHECK(file && !moved);
    file.close();
    CHECK(!file);

    fails_with(std::errc::bad_file_descriptor, [](ms::errors to) { ms::file::adopt(-1, {}, to); });
    ms::file adopted = ms::file::adopt(::open("opened", O_RDONLY));
    CHECK(adopted.size() == 10000);
    fails_with(std::errc::bad_file_descriptor, [&](ms::errors to) { adopted.resize(20000, to); });
    if (!mount)
        fails_with(std::errc::not_supported, [](ms::errors to) {
            ms::file::open("opened", O_RDWR, {0, 0, MAPSHARE_OPEN_ATOMIC}, 0, to);
        });
}

struct record {
    std::uint64_t number;
    char text[56];
};

template <class Call> bool out_of_range(Call call)
{
    try {
        call();
    } catch (const std::out_of_range &) {
        return true;
    }
    return false;
}

static void views()
{
    ms::file file = ms::file::open("viewed", O_RDWR | O_CREAT, {8 * sizeof(record) + 1});
    ms::span<record> records = file.view<record>();

    CHECK(records.size() == 8 && file.view().size() == 8 * sizeof(record) + 1);
    for (record &each : records)
        each.number = static_cast<std::uint64_t>(&each - records.data());
    CHECK(std::max_element(records.begin(), records.end(), [](auto &a, auto &b) { return a.number < b.number; })->number == 7);
    CHECK(file.object<std::uint64_t>(3 * sizeof(record)) == 3 && file.view<const record>(sizeof(record), 2)[1].number == 2);
    CHECK(out_of_range([&] { file.view<record>(0, 9); }) && out_of_range([&] { file.view(10000); }));
    CHECK(out_of_range([&] { file.object<std::uint64_t>(1); }) && out_of_range([&] { file.object<record>(8 * sizeof(record)); }));
    file.resize(100 * sizeof(record));
    CHECK(file.view<record>().size() == 100 && file.view<record>().data() == records.data());
    fails_with(std::errc::invalid_argument, [&](ms::errors to) { file.resize(0, to); });

    char text[3] = {};
    CHECK(file.write("abc", 3, 100 * sizeof(record) - 2) == 2);
    CHECK(file.read(text, 3, 100 * sizeof(record) - 2) == 2 && std::string(text) == "ab");
    fails_with(std::errc::invalid_argument, [&](ms::errors to) { CHECK(file.read(nullptr, 3, 0, to) == 0); });
    fails_with(std::errc::invalid_argument, [&](ms::errors to) { CHECK(file.write(nullptr, 3, 0, to) == 0); });
    ms::guard();
    CHECK(ms::version() == MAPSHARE_VERSION);
}

static void commits_on_a_mount()
{
    ms::file one = ms::file::open("one", O_RDWR | O_CREAT, {1 << 20, 0, MAPSHARE_OPEN_ATOMIC});
    ms::file other = ms::file::open("other", O_RDWR | O_CREAT, {4096});

    one.sync();
    for (std::size_t page = 0; page < 256; page += 2) /* more runs than are asked for at first */
        one.object<char>(page * 4096) = 'x';
    CHECK(one.dirty().size() == 128 && one.dirty()[127].last == 254);
    other.object<char>() = 'y';
    ms::receipt both = ms::commit({&one, &other});
    CHECK(both.sequence > 0 && one.stat().commit.sequence == both.sequence && other.stat().commit.sequence >= both.sequence);
    std::vector<ms::file *> list = {&one, &other};
    CHECK(ms::commit(list).sequence >= both.sequence);
    one.object<char>() = 'n';
    other.object<char>() = 'n';
    CHECK(ms::rollback({&one, &other}).sequence >= both.sequence);
    CHECK(one.object<char>() != 'n' && other.object<char>() != 'n');
    char letter = one.object<char>(), found = 0;
    ms::snapshot taken(list);
    CHECK(taken && taken.sequence() >= both.sequence && taken.size(1) == other.size());
    one.object<char>() = 's';
    ms::commit(list);
    CHECK(taken.read(&found, 1, 0) == 1 && found == letter && taken.read(&found, 1, taken.size()) == 0);
    ms::snapshot moved = std::move(taken);
    CHECK(!taken && moved.read(&found, 1, 0) == 1);
    taken = ms::snapshot({&one, &other});
    CHECK(taken.read(&found, 1, 0) == 1 && found == 's');
    fails_with(std::errc::invalid_argument, [&](ms::errors to) { moved.size(2, to); });
    fails_with(std::errc::invalid_argument, [&](ms::errors to) { moved.read(&found, 1, 0, 2, to); });
    CHECK(one.sync(0, 4096).sequence >= both.sequence);
    CHECK(one.wait_for(both.sequence, 1min) && one.wait_until(both.sequence, std::chrono::system_clock::now() + 1min));
    one.wait(both.sequence);
    CHECK(!one.wait_for(both.sequence + 1000, 1ms) && !one.wait_for(both.sequence + 1000, -1h));
    CHECK(!one.wait_until(both.sequence + 1000, std::chrono::steady_clock::time_point::min()));
}

static void events_and_changes()
{
    ms::file file = ms::file::open("followed", O_RDWR | O_CREAT, {3 * 4096, 0, MAPSHARE_OPEN_ATOMIC});
    ms::events none, events = file.watch_events(), other = file.watch_events(MAPSHARE_EVENT_NOTICES);
    std::uint64_t upto = file.sync().sequence, last;
    ms::event event{};

    CHECK(events.fd() >= 0 && none.fd() == -1);
    CHECK(events.read(event) && event.sequence == upto && !events.read(event));
    file.object<char>(4096) = 'x';
    last = file.sync().sequence;
    file.notify();
    CHECK(events.read(event) && event.sequence == last);
    none = std::move(events);
    CHECK(!none.read(event) && other.read(event));
    std::vector<ms::change> changes = file.changes(upto);
    CHECK(changes.size() == 1 && changes[0].first == 1 && changes[0].last == 1 && changes[0].kind == MAPSHARE_CHANGE_STORED);
    CHECK(changes[0].sequence == last && changes[0].size == file.size() && upto >= last && file.changes(upto).empty());
    fails_with(std::errc::result_out_of_range, [&](ms::errors to) {
        upto = last + 1000000;
        CHECK(file.changes(upto, to).empty());
    });
    fails_with(std::errc::invalid_argument, [&](ms::errors to) { CHECK(file.watch_events(0, to).fd() == -1); });
}

static void commits_elsewhere()
{
    ms::file file = ms::file::open("one", O_RDWR | O_CREAT, {4096});

    CHECK(file.sync().sequence == 0);
    fails_with(std::errc::not_supported, [&](ms::errors to) { ms::commit({&file}, to); });
    fails_with(std::errc::not_supported, [&](ms::errors to) { ms::rollback({&file}, to); });
    fails_with(std::errc::not_supported, [&](ms::errors to) { CHECK(!ms::snapshot({&file}, to)); });
    fails_with(std::errc::not_supported, [&](ms::errors to) { CHECK(!file.wait_for(1, 1s, to)); });
    fails_with(std::errc::not_supported, [&](ms::errors to) { file.wait(1, to); });
    fails_with(std::errc::not_supported, [&](ms::errors to) { CHECK(file.dirty(to).empty()); });
    std::uint64_t upto = 0;
    fails_with(std::errc::not_supported, [&](ms::errors to) { CHECK(file.changes(upto, to).empty()); });
    fails_with(std::errc::not_supported, [&](ms::errors to) { CHECK(file.watch_events(1, to).fd() == -1); });
    fails_with(std::errc::invalid_argument, [&](ms::errors to) { file.sync(1 << 20, 0, MS_SYNC, to); });
}

static void notices()
{
    ms::file file = ms::file::open("noticed", O_RDWR | O_CREAT, {4096});
    std::uint64_t seen = 0;

    CHECK(!file.watch_for(seen, 1ms) && seen == 0);
    std::thread other([&] { file.notify(); });
    file.watch(seen);
    other.join();
    CHECK(seen == 1 && !file.watch_until(seen, std::chrono::steady_clock::now()));
    file.notify();
    CHECK(file.watch_for(seen, 1min) && seen == 2);
}

static void locks()
{
    ms::file file = ms::file::open("locked", O_RDWR | O_CREAT, {4096});
    ms::mutex mutex(file), second(file, 31);
    int &count = file.object<int>();
    std::vector<std::thread> threads;

    for (int i = 0; i < 4; i++)
        threads.emplace_back([&] {
            for (int j = 0; j < 200; j++) {
                std::scoped_lock both(mutex, second);
                count++;
            }
        });
    for (std::thread &each : threads)
        each.join();
    CHECK(count == 800);

    std::unique_lock alone(mutex);
    fails_with(std::errc::resource_deadlock_would_occur, [&](ms::errors to) { mutex.lock(to); });
    fails_with(std::errc::device_or_resource_busy, [&](ms::errors to) { file.close(to); });
    CHECK(file);
    std::thread([&] {
        CHECK(!mutex.try_lock() && !mutex.try_lock_for(1ms) && !mutex.try_lock_shared() && !mutex.try_lock_shared_for(1ms));
        CHECK(!std::unique_lock(mutex, std::chrono::system_clock::now()));
        fails_with(std::errc::operation_not_permitted, [&](ms::errors to) { mutex.unlock(to); });
    }).join();
    alone.unlock();
    std::shared_lock share(mutex);
    std::thread([&] { CHECK(std::shared_lock(mutex, std::try_to_lock) && !mutex.try_lock()); }).join();
    CHECK(std::unique_lock(second, std::try_to_lock).owns_lock());
    fails_with(std::errc::invalid_argument, [&](ms::errors to) { ms::mutex(file, MAPSHARE_LOCKS).lock(to); });
}

/* A pair of which an owner changed only one, and died. */
static void dead_owners()
{
    ms::file file = ms::file::open("died", O_RDWR | O_CREAT, {4096});
    int *pair = &file.object<int>(), repairs = 0;
    ms::mutex careless(file), careful(file, 0, [&] {
        pair[1] = pair[0];
        repairs++;
    });
    auto die = [&] {
        in_child([&] {
            ms::file own = ms::file::open("died", O_RDWR);
            ms::mutex(own, 0, [] {}).lock();
            ++own.object<int>();
        });
    };

    die();
    fails_with(std::errc::owner_dead, [&](ms::errors to) { careless.lock(to); });
    fails_with(std::errc::owner_dead, [&](ms::errors to) { CHECK(!careless.try_lock(to)); });
    fails_with(std::errc::owner_dead, [&](ms::errors to) { careless.lock_shared(to); });
    try {
        ms::mutex(file, 0, [] { throw 1; }).lock();
        CHECK(!"reached");
    } catch (int) {
    }
    CHECK(pair[0] == 1 && pair[1] == 0 && repairs == 0);
    {
        std::unique_lock lock(careful); /* given back each time, and in doubt */
    }
    CHECK(pair[1] == 1 && repairs == 1);
    {
        std::unique_lock lock(careless);
    }
    die();
    {
        std::shared_lock lock(careful);
    }
    CHECK(pair[1] == 2 && repairs == 2);
    die();
    CHECK(careful.try_lock_shared() && pair[1] == 3 && repairs == 3);
    careful.unlock_shared();
    die();
    CHECK(careful.try_lock_until(std::chrono::steady_clock::now() + 1min) && pair[1] == 4);
    careful.unlock();
}

static void memory_without_a_file()
{
    ms::file memory = ms::file::anonymous(4096);
    int sockets[2];

    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    memory.send(sockets[0]);
    in_child([&] {
        ms::file received = ms::file::receive(sockets[1]);
        CHECK(received.size() == 4096);
        received.object<int>() = 7;
    });
    CHECK(memory.object<int>() == 7);
    fails_with(std::errc::invalid_argument, [](ms::errors to) { CHECK(!ms::file::anonymous(0, to)); });
    fails_with(std::errc::bad_file_descriptor, [](ms::errors to) { CHECK(!ms::file::receive(-1, to)); });
    fails_with(std::errc::bad_file_descriptor, [&](ms::errors to) { memory.send(-1, to); });
    close(sockets[0]);
    close(sockets[1]);
}

static void mappings()
{
    ms::file file = ms::file::open("mapped", O_RDWR | O_CREAT, {8192});
    ms::mapping mapping(4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd(), 4096);

    mapping.view<int>()[1] = 5;
    CHECK(mapping.size() == 4096 && mapping.view<int>().size() == 1024 && file.object<int>(4100) == 5);
    mapping.sync();
    fails_with(std::errc::invalid_argument, [&](ms::errors to) { mapping.sync(0, to); });
    ms::mapping moved = std::move(mapping);
    CHECK(moved && !mapping && mapping.size() == 0);
    moved.unmap();
    CHECK(!moved && moved.data() == nullptr);
    fails_with(std::errc::invalid_argument, [](ms::errors to) { ms::mapping(0, PROT_READ, MAP_SHARED, -1, 0, nullptr, to); });
}

int main(int argc, char **argv)
{
    bool mount = argc == 2 && std::string(argv[1]) == "mount";

    opening(mount);
    views();
    mount ? commits_on_a_mount() : commits_elsewhere();
    if (mount)
        events_and_changes();
    notices();
    locks();
    dead_owners();
    memory_without_a_file();
    mappings();
    std::printf("C++ %ld, %s: all is well\n", __cplusplus, argv[1]);
}
