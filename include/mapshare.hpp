/* libmapshare for C++17 and later: the calls of mapshare.h and mapshare-mmap.h as classes that clean up after themselves.
 *
 * Errors: each call that can fail takes, last, where its error goes. Left out, it is thrown as std::system_error; a std::error_code
 * given there gets it instead, and is cleared on success.
 *
 * Only what the C header says is done here, so its comments and manual pages hold; threads too. See mapshare.hpp(3).
 * The namespace is not called mapshare because that is the name of the C structure.
 */
#ifndef MAPSHARE_HPP
#define MAPSHARE_HPP

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <mapshare-errors.hpp>
#include <mapshare-mmap.hpp>
#include <mapshare.h>
#include <system_error>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

namespace libmapshare
{

using receipt = ::mapshare_receipt;
using range = ::mapshare_range;
using status = ::mapshare_status;
using change = ::mapshare_change;
using event = ::mapshare_event;

/** How a file is opened, as struct mapshare_options. Since 1.0. */
struct options {
    std::uint64_t size = 0;
    std::uint64_t reserve = 0;
    std::uint32_t flags = 0;
};

/** A descriptor that is readable when something has happened to a file: of file::watch_events(). Can be moved, not copied. Since 1.0. */
class events
{
  public:
    events() noexcept = default;
    explicit events(int fd) noexcept : fd_(fd)
    {
    }
    events(events &&other) noexcept : fd_(std::exchange(other.fd_, -1))
    {
    }
    events &operator=(events &&other) noexcept
    {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~events()
    {
        if (fd_ >= 0)
            ::close(fd_);
    }

    /** To be polled for reading; it stays the object's. -1: there is none. */
    int fd() const noexcept
    {
        return fd_;
    }
    /** What has happened since it was read last, or made. False: nothing. Never waits. */
    bool read(event &what, errors to = {})
    {
        return ::read(fd_, &what, sizeof(what)) == sizeof(what) || (errno != EAGAIN && to.report("read"));
    }

  private:
    int fd_ = -1;
};

/** A file, or anonymous memory, that this process has open and mapped: struct mapshare. Can be moved, not copied. Since 1.0. */
class file
{
  public:
    file() noexcept = default;
    /** Takes over what the C library opened. */
    explicit file(::mapshare *handle) noexcept : handle_(handle)
    {
    }
    file(file &&other) noexcept : handle_(std::exchange(other.handle_, nullptr))
    {
    }
    file &operator=(file &&other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    /** Closes it, whatever close() would report: call that to know. */
    ~file()
    {
        if (handle_)
            ::mapshare_close(handle_);
    }

    /** As mapshare_open(). */
    static file open(const std::filesystem::path &path, int oflags, const options &how = {}, mode_t mode = 0644, errors to = {})
    {
        ::mapshare_options c = c_options(how);
        return made("mapshare_open", ::mapshare_open(path.c_str(), oflags, mode, &c), to);
    }
    /** As mapshare_fdopen(): on success fd belongs to the file. */
    static file adopt(int fd, const options &how = {}, errors to = {})
    {
        ::mapshare_options c = c_options(how);
        return made("mapshare_fdopen", ::mapshare_fdopen(fd, &c), to);
    }
    /** As mapshare_anonymous(). */
    static file anonymous(std::size_t size, errors to = {})
    {
        return made("mapshare_anonymous", ::mapshare_anonymous(size), to);
    }
    /** As mapshare_receive(). */
    static file receive(int socket, errors to = {})
    {
        return made("mapshare_receive", ::mapshare_receive(socket), to);
    }
    /** As mapshare_send(). */
    void send(int socket, errors to = {}) const
    {
        to.check("mapshare_send", ::mapshare_send(handle_, socket));
    }

    /** As mapshare_close(): only after EBUSY it is open still. */
    void close(errors to = {})
    {
        int result = ::mapshare_close(handle_);

        if (result == 0 || errno != EBUSY)
            handle_ = nullptr;
        to.check("mapshare_close", result);
    }

    /** Whether there is a file: not after a failure to open that was not thrown, a move or close(). */
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }
    /** For the C calls; it stays the file's. */
    ::mapshare *handle() const noexcept
    {
        return handle_;
    }
    /** As mapshare_addr(). */
    void *data() const noexcept
    {
        return ::mapshare_addr(handle_);
    }
    /** As mapshare_size(). */
    std::size_t size() const noexcept
    {
        return ::mapshare_size(handle_);
    }
    /** As mapshare_fd(). */
    int fd() const noexcept
    {
        return ::mapshare_fd(handle_);
    }

    /** The objects that lie at offset of the file: count, or as many as it has now. Growth is seen by a new view only.
     * Throws std::out_of_range where they do not fit. */
    template <class T = std::byte> span<T> view(std::uint64_t offset = 0, std::size_t count = SIZE_MAX) const
    {
        return detail::view<T>(data(), size(), offset, count);
    }
    /** The one that lies there. */
    template <class T> T &object(std::uint64_t offset = 0) const
    {
        return *view<T>(offset, 1).data();
    }

    /** As mapshare_resize(). */
    void resize(std::uint64_t size, errors to = {})
    {
        to.check("mapshare_resize", ::mapshare_resize(handle_, size));
    }
    /** As mapshare_sync(): a commit of all that was changed, or of a part. */
    receipt sync(std::uint64_t offset = 0, std::uint64_t length = 0, int flags = MS_SYNC, errors to = {})
    {
        receipt result{};
        to.check("mapshare_sync", ::mapshare_sync(handle_, offset, length, flags, &result));
        return result;
    }

    /** As mapshare_wait_until(): false when the deadline came first. */
    template <class Clock, class Duration>
    bool wait_until(std::uint64_t sequence, std::chrono::time_point<Clock, Duration> deadline, errors to = {}) const
    {
        timespec until = detail::moment(deadline);
        return in_time("mapshare_wait_until", ::mapshare_wait_until(handle_, sequence, &until), to);
    }
    template <class Rep, class Period>
    bool wait_for(std::uint64_t sequence, std::chrono::duration<Rep, Period> timeout, errors to = {}) const
    {
        return wait_until(sequence, detail::after(timeout), to);
    }
    /** For ever. */
    void wait(std::uint64_t sequence, errors to = {}) const
    {
        in_time("mapshare_wait_until", ::mapshare_wait_until(handle_, sequence, nullptr), to);
    }

    /** As mapshare_notify(). */
    void notify(errors to = {})
    {
        to.check("mapshare_notify", ::mapshare_notify(handle_));
    }
    /** As mapshare_watch_until(), with seen 0 at first: false when the deadline came first. */
    template <class Clock, class Duration>
    bool watch_until(std::uint64_t &seen, std::chrono::time_point<Clock, Duration> deadline, errors to = {}) const
    {
        timespec until = detail::moment(deadline);
        return in_time("mapshare_watch_until", ::mapshare_watch_until(handle_, &seen, &until), to);
    }
    template <class Rep, class Period>
    bool watch_for(std::uint64_t &seen, std::chrono::duration<Rep, Period> timeout, errors to = {}) const
    {
        return watch_until(seen, detail::after(timeout), to);
    }
    /** For ever. */
    void watch(std::uint64_t &seen, errors to = {}) const
    {
        in_time("mapshare_watch_until", ::mapshare_watch_until(handle_, &seen, nullptr), to);
    }

    /** As mapshare_event_fd(): of commits, notices, or both. */
    events watch_events(std::uint32_t what = MAPSHARE_EVENT_COMMITS | MAPSHARE_EVENT_NOTICES, errors to = {}) const
    {
        int fd = ::mapshare_event_fd(handle_, what);

        to.check("mapshare_event_fd", fd);
        return events(fd);
    }
    /** As mapshare_changes(): all that commits after the one numbered upto changed; upto is then the last of them, also where the error is
     * ERANGE (std::errc::result_out_of_range). */
    std::vector<change> changes(std::uint64_t &upto, errors to = {}) const
    {
        std::vector<change> all;
        ssize_t count;

        do {
            std::size_t known = all.size();

            all.resize(known + MAPSHARE_CHANGES_MOST);
            count = ::mapshare_changes(handle_, upto, all.data() + known, MAPSHARE_CHANGES_MOST, &upto);
            all.resize(count == -1 ? 0 : known + static_cast<std::size_t>(count));
        } while (count > 0);
        to.check("mapshare_changes", static_cast<int>(count));
        return all;
    }

    /** As mapshare_dirty(): all runs. */
    std::vector<range> dirty(errors to = {}) const
    {
        std::vector<range> runs(64);

        for (;;) {
            ssize_t count = ::mapshare_dirty(handle_, runs.data(), runs.size());
            bool whole = count <= static_cast<ssize_t>(runs.size());

            runs.resize(count == -1 ? 0 : static_cast<std::size_t>(count));
            if (!to.check("mapshare_dirty", count == -1 ? -1 : 0) || whole)
                return runs;
        }
    }
    /** As mapshare_stat(). */
    status stat(errors to = {}) const
    {
        status result{};
        to.check("mapshare_stat", ::mapshare_stat(handle_, &result, sizeof(result)));
        return result;
    }

    /** As mapshare_read(): how many bytes were copied, fewer at the end of the file. */
    std::size_t read(void *buffer, std::size_t length, std::uint64_t offset, errors to = {}) const
    {
        return copied("mapshare_read", ::mapshare_read(handle_, buffer, length, offset), to);
    }
    /** As mapshare_write(). */
    std::size_t write(const void *buffer, std::size_t length, std::uint64_t offset, errors to = {})
    {
        return copied("mapshare_write", ::mapshare_write(handle_, buffer, length, offset), to);
    }

  private:
    static ::mapshare_options c_options(const options &how)
    {
        ::mapshare_options c{};
        c.struct_size = sizeof(c);
        c.size = how.size;
        c.reserve = how.reserve;
        c.flags = how.flags;
        return c;
    }
    static file made(const char *call, ::mapshare *handle, const errors &to)
    {
        if (!handle)
            to.report(call);
        return file(handle);
    }
    static bool in_time(const char *call, int result, const errors &to)
    {
        return result == 0 || (errno != ETIMEDOUT && to.report(call));
    }
    static std::size_t copied(const char *call, ssize_t count, const errors &to)
    {
        return to.check(call, count == -1 ? -1 : 0) ? static_cast<std::size_t>(count) : 0;
    }

    ::mapshare *handle_ = nullptr;
};

/** What the implementation needs; not for use. */
namespace detail
{

using call_of_all = int(::mapshare *const[], std::size_t, ::mapshare_receipt *);

template <class Files> std::vector<::mapshare *> handles_of(const Files &files)
{
    std::vector<::mapshare *> handles;

    for (const file *each : files)
        handles.push_back(each->handle());
    return handles;
}

template <class Files> receipt of_all(const char *name, call_of_all &call, const Files &files, const errors &to)
{
    std::vector<::mapshare *> handles = handles_of(files);
    receipt result{};

    to.check(name, call(handles.data(), handles.size(), &result));
    return result;
}

} // namespace detail

/** As mapshare_commit(): commit({&one, &other}), or any list of pointers to files. */
template <class Files = std::initializer_list<const file *>> receipt commit(const Files &files, errors to = {})
{
    return detail::of_all("mapshare_commit", ::mapshare_commit, files, to);
}

/** As mapshare_rollback(), of any list as commit() takes. */
template <class Files = std::initializer_list<const file *>> receipt rollback(const Files &files, errors to = {})
{
    return detail::of_all("mapshare_rollback", ::mapshare_rollback, files, to);
}

/** Files as of one commit, as mapshare_snapshot(): snapshot({&one, &other}), or any list as commit() takes. Ends with the object; one that could not be
 * taken is empty (false). Since 1.0. */
class snapshot
{
  public:
    template <class Files = std::initializer_list<const file *>> explicit snapshot(const Files &files, errors to = {})
    {
        std::vector<::mapshare *> handles = detail::handles_of(files);

        handle_ = ::mapshare_snapshot(handles.data(), handles.size(), 0);
        if (!handle_)
            to.report("mapshare_snapshot");
    }
    snapshot(snapshot &&other) noexcept : handle_(std::exchange(other.handle_, nullptr))
    {
    }
    snapshot &operator=(snapshot &&other) noexcept
    {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~snapshot()
    {
        if (handle_)
            ::mapshare_snapshot_close(handle_);
    }
    explicit operator bool() const noexcept
    {
        return handle_ != nullptr;
    }

    /** Of the file at that place of the list. */
    std::uint64_t size(std::size_t index = 0, errors to = {}) const
    {
        std::uint64_t result = 0;
        to.check("mapshare_snapshot_size", ::mapshare_snapshot_size(handle_, index, &result));
        return result;
    }
    /** How many bytes were read: fewer at the end of the file. */
    std::size_t read(void *buffer, std::size_t length, std::uint64_t offset, std::size_t index = 0, errors to = {}) const
    {
        ssize_t count = ::mapshare_snapshot_read(handle_, index, buffer, length, offset);
        return to.check("mapshare_snapshot_read", count == -1 ? -1 : 0) ? static_cast<std::size_t>(count) : 0;
    }
    /** Number of the last commit that is in it. */
    std::uint64_t sequence() const noexcept
    {
        return ::mapshare_snapshot_sequence(handle_);
    }

  private:
    ::mapshare_view *handle_ = nullptr;
};

/** One of a file's locks, for std::unique_lock, std::shared_lock, std::scoped_lock: Lockable, TimedLockable and SharedLockable.
 *
 * When an owner died with it, what it guards may be half done. The repair function then runs with the lock held alone, also before
 * a share is given, and after it all is in order. If it throws, or there is none, the lock is given back and stays in doubt for the
 * next; without one, the error is EOWNERDEAD (std::errc::owner_dead). So nobody goes on with half of a change by mistake.
 *
 * May be used from any thread; each must give back what it took. The file must stay open. Since 1.0. */
class mutex
{
  public:
    explicit mutex(const file &of, std::uint32_t number = 0, std::function<void()> repair = {})
        : handle_(of.handle()), number_(number), repair_(std::move(repair))
    {
    }
    mutex(const mutex &) = delete;
    mutex &operator=(const mutex &) = delete;

    void lock(errors to = {})
    {
        take(0, nullptr, to);
    }
    bool try_lock(errors to = {})
    {
        return take(MAPSHARE_LOCK_TRY, nullptr, to);
    }
    template <class Clock, class Duration>
    bool try_lock_until(const std::chrono::time_point<Clock, Duration> &deadline, errors to = {})
    {
        timespec until = detail::moment(deadline);
        return take(0, &until, to);
    }
    template <class Rep, class Period> bool try_lock_for(const std::chrono::duration<Rep, Period> &timeout, errors to = {})
    {
        return try_lock_until(detail::after(timeout), to);
    }
    void unlock(errors to = {})
    {
        to.check("mapshare_unlock_at", ::mapshare_unlock_at(handle_, number_));
    }

    void lock_shared(errors to = {})
    {
        take(MAPSHARE_LOCK_SHARED, nullptr, to);
    }
    bool try_lock_shared(errors to = {})
    {
        return take(MAPSHARE_LOCK_SHARED | MAPSHARE_LOCK_TRY, nullptr, to);
    }
    template <class Clock, class Duration>
    bool try_lock_shared_until(const std::chrono::time_point<Clock, Duration> &deadline, errors to = {})
    {
        timespec until = detail::moment(deadline);
        return take(MAPSHARE_LOCK_SHARED, &until, to);
    }
    template <class Rep, class Period> bool try_lock_shared_for(const std::chrono::duration<Rep, Period> &timeout, errors to = {})
    {
        return try_lock_shared_until(detail::after(timeout), to);
    }
    void unlock_shared(errors to = {})
    {
        unlock(to);
    }

  private:
    /** Whether it is held now. That others have it is no error. */
    bool take(std::uint32_t flags, const timespec *deadline, const errors &to)
    {
        for (;;) {
            int held = ::mapshare_lock_at(handle_, number_, flags, deadline);

            if (held == 0)
                return true;
            if (held == -1)
                return errno != EBUSY && errno != ETIMEDOUT && to.report("mapshare_lock_at");
            if (!(flags & MAPSHARE_LOCK_SHARED))
                return put_in_order(to);
            ::mapshare_unlock_at(handle_, number_); /* with a share nothing can be put in order */
            if (!take(flags & ~MAPSHARE_LOCK_SHARED, deadline, to))
                return false;
            ::mapshare_unlock_at(handle_, number_);
        }
    }

    bool put_in_order(const errors &to)
    {
        int error = EOWNERDEAD;

        try {
            if (repair_) {
                repair_();
                if (::mapshare_consistent_at(handle_, number_) == 0)
                    return true;
                error = errno;
            }
        } catch (...) {
            ::mapshare_unlock_at(handle_, number_);
            throw;
        }
        ::mapshare_unlock_at(handle_, number_);
        return to.report("mapshare_lock_at", error);
    }

    ::mapshare *handle_;
    std::uint32_t number_;
    std::function<void()> repair_;
};

/** As mapshare_guard(). */
inline void guard(errors to = {})
{
    to.check("mapshare_guard", ::mapshare_guard());
}

/** As mapshare_version(). */
inline unsigned int version() noexcept
{
    return ::mapshare_version();
}

} // namespace libmapshare

#endif
