/* What mapshare.hpp and mapshare-mmap.hpp share: where errors go, and views of memory. See mapshare.hpp(3). */
#ifndef MAPSHARE_ERRORS_HPP
#define MAPSHARE_ERRORS_HPP

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <system_error>
#include <type_traits>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace libmapshare
{

/** Where the error of a call goes: thrown, or into a std::error_code. Made from one implicitly. Since 1.0. */
class errors
{
  public:
    errors() noexcept = default;
    errors(std::error_code &code) noexcept : code_(&code)
    {
        code.clear();
    }

    /** Takes errno, or the number given. Always false, for a call to return. */
    bool report(const char *call, int number = errno) const
    {
        std::error_code code(number, std::generic_category());

        if (!code_)
            throw std::system_error(code, call);
        *code_ = code;
        return false;
    }

    bool check(const char *call, int result) const
    {
        return result != -1 || report(call);
    }

  private:
    std::error_code *code_ = nullptr;
};

/** Objects in a row in shared memory: std::span, which C++17 does not have. Since 1.0. */
#if __cplusplus >= 202002L
template <class T> using span = std::span<T>;
#else
template <class T> class span
{
  public:
    constexpr span() noexcept = default;
    constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size)
    {
    }
    constexpr T *data() const noexcept
    {
        return data_;
    }
    constexpr std::size_t size() const noexcept
    {
        return size_;
    }
    constexpr std::size_t size_bytes() const noexcept
    {
        return size_ * sizeof(T);
    }
    constexpr bool empty() const noexcept
    {
        return size_ == 0;
    }
    constexpr T &operator[](std::size_t index) const
    {
        return data_[index];
    }
    constexpr T *begin() const noexcept
    {
        return data_;
    }
    constexpr T *end() const noexcept
    {
        return data_ + size_;
    }

  private:
    T *data_ = nullptr;
    std::size_t size_ = 0;
};
#endif

/** What the implementation needs; not for use. */
namespace detail
{

/** A moment for the C library, whose clock is std::chrono::steady_clock's. One before the clock's beginning is over as well. */
template <class Clock, class Duration> timespec moment(std::chrono::time_point<Clock, Duration> deadline)
{
    using namespace std::chrono;
    steady_clock::time_point steady;

    if constexpr (std::is_same_v<Clock, steady_clock>)
        steady = time_point_cast<steady_clock::duration>(deadline);
    else
        steady = steady_clock::now() + duration_cast<steady_clock::duration>(deadline - Clock::now());
    auto since = steady.time_since_epoch() < nanoseconds::zero() ? nanoseconds::zero() : nanoseconds(steady.time_since_epoch());
    timespec result{};
    result.tv_sec = static_cast<time_t>(since.count() / 1000000000);
    result.tv_nsec = static_cast<long>(since.count() % 1000000000);
    return result;
}

template <class Rep, class Period> auto after(std::chrono::duration<Rep, Period> timeout)
{
    return std::chrono::steady_clock::now() + std::chrono::ceil<std::chrono::steady_clock::duration>(timeout);
}

/** count objects at offset of size bytes at address; as many as there are if count is SIZE_MAX. */
template <class T> span<T> view(void *address, std::size_t size, std::uint64_t offset, std::size_t count)
{
    static_assert(std::is_trivially_destructible_v<T>, "what is in shared memory outlives the process");
    if (offset > size || offset % alignof(T) != 0)
        throw std::out_of_range("libmapshare: the offset is beyond the end, or no address of such an object");
    if (count == SIZE_MAX)
        count = (size - offset) / sizeof(T);
    if (count > (size - offset) / sizeof(T))
        throw std::out_of_range("libmapshare: the view is longer than the memory");
    return {reinterpret_cast<T *>(static_cast<char *>(address) + offset), count};
}

} // namespace detail

} // namespace libmapshare

#endif
