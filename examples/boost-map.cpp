/* A std::map-like container of Boost.Interprocess in a file: any number of processes count words in it, and each run is one commit.
 *
 * Boost has the containers and the allocator, mapshare the memory: here it grows in place, has a lock that survives its owner, and
 * all that a run changed is durable or nothing of it, though it may be in pages all over the file.
 * Build it with: c++ -std=c++17 boost-map.cpp $(pkg-config --cflags --libs libmapshare)
 */
#include <boost/interprocess/allocators/allocator.hpp>
#include <boost/interprocess/containers/map.hpp>
#include <boost/interprocess/containers/string.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <iostream>
#include <mapshare.hpp>
#include <mutex>

namespace bip = boost::interprocess;

using segment = bip::managed_external_buffer;
template <class T> using allocator = bip::allocator<T, segment::segment_manager>;
using word = bip::basic_string<char, std::char_traits<char>, allocator<char>>;
using counts = bip::map<word, long, std::less<>, allocator<std::pair<const word, long>>>;

constexpr std::size_t step = 64 << 10; /* bytes by which the file grows */
constexpr std::size_t begin = 64;      /* what is before it says whether there is a segment in the file */

static segment open_segment(const libmapshare::file &file)
{
    auto &made = file.object<std::uint64_t>();
    char *address = static_cast<char *>(file.data()) + begin;

    if (made)
        return {bip::open_only, address, file.size() - begin};
    segment created(bip::create_only, address, file.size() - begin);
    created.construct<counts>("counts")(created.get_segment_manager());
    made = 1;
    return created;
}

static void count(libmapshare::file &file, segment &memory, counts &table, const char *text)
{
    try {
        ++table[word(text, memory.get_segment_manager())];
    } catch (const bip::bad_alloc &) { /* full: nothing has changed */
        file.resize(file.size() + step);
        memory.grow(step);
        count(file, memory, table, text);
    }
}

int main(int argc, char **argv)
try {
    if (argc < 2) {
        std::cerr << "usage: boost-map FILE [WORD...]\nCounts the words in FILE, and shows all that were ever counted.\n";
        return 2;
    }
    auto file = libmapshare::file::open(argv[1], O_RDWR | O_CREAT, {step, 1 << 30, 0});
    /* Boost's structures cannot be repaired from outside: if somebody died amid a change, this throws. */
    libmapshare::mutex mutex(file);
    std::scoped_lock lock(mutex);
    segment memory = open_segment(file);
    counts &table = *memory.find<counts>("counts").first;

    for (int i = 2; i < argc; i++)
        count(file, memory, table, argv[i]);
    file.sync();
    for (const auto &[text, number] : table)
        std::cout << text << ' ' << number << '\n';
} catch (const std::exception &error) {
    std::cerr << argv[1] << ": " << error.what() << '\n';
    return 1;
}
