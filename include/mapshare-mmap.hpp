/* mapshare_mmap(), _msync() and _munmap() for C++17 and later, as mapshare.hpp has the other calls. See mapshare.hpp(3). */
#ifndef MAPSHARE_MMAP_HPP
#define MAPSHARE_MMAP_HPP

#include <cstddef>
#include <cstdint>
#include <mapshare-errors.hpp>
#include <mapshare-mmap.h>
#include <utility>

namespace libmapshare
{

/** Memory of mapshare_mmap(), unmapped at its end. Can be moved, not copied. Since 1.0. */
class mapping
{
  public:
    mapping() noexcept = default;
    /** As mapshare_mmap(). */
    mapping(std::size_t length, int prot, int flags, int fd = -1, off_t offset = 0, void *address = nullptr, errors to = {})
        : address_(::mapshare_mmap(address, length, prot, flags, fd, offset)), length_(length)
    {
        if (address_ == MAP_FAILED) {
            address_ = nullptr;
            to.report("mapshare_mmap");
        }
    }
    mapping(mapping &&other) noexcept : address_(std::exchange(other.address_, nullptr)), length_(other.length_)
    {
    }
    mapping &operator=(mapping &&other) noexcept
    {
        std::swap(address_, other.address_);
        std::swap(length_, other.length_);
        return *this;
    }
    ~mapping()
    {
        if (address_)
            ::mapshare_munmap(address_, length_);
    }

    explicit operator bool() const noexcept
    {
        return address_ != nullptr;
    }
    void *data() const noexcept
    {
        return address_;
    }
    std::size_t size() const noexcept
    {
        return address_ ? length_ : 0;
    }
    /** As file::view(). */
    template <class T = std::byte> span<T> view(std::uint64_t offset = 0, std::size_t count = SIZE_MAX) const
    {
        return detail::view<T>(data(), size(), offset, count);
    }
    /** As mapshare_msync(), of all of it. */
    void sync(int flags = MS_SYNC, errors to = {})
    {
        to.check("mapshare_msync", ::mapshare_msync(address_, length_, flags));
    }
    /** As mapshare_munmap(). */
    void unmap(errors to = {})
    {
        if (to.check("mapshare_munmap", ::mapshare_munmap(address_, length_)))
            address_ = nullptr;
    }

  private:
    void *address_ = nullptr;
    std::size_t length_ = 0;
};

} // namespace libmapshare

#endif
