// Boost.Asio and Boost.Beast are compiled here, once, and not in each file that includes them.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
