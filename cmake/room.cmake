# A room is a folder and a CMake target of the same name. Arrows are its LINKS, one way only; scripts/layers
# checks the includes against them.
#
#   room(dns PURE SOURCES name.cc query.cc LINKS base)
#
# Headers are included by their path from the top of the tree: "dataplane/dns/name.h".
# PURE is the promise that the room opens no file or socket, reads no clock and includes no DPDK header.
add_library(sluice_warnings INTERFACE)
target_compile_options(sluice_warnings INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wno-unknown-warning-option)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC bug 105329: false alarm inside std::string, string = "literal".
  target_compile_options(sluice_warnings INTERFACE -Wno-restrict)
endif()
if(SLUICE_WERROR)
  target_compile_options(sluice_warnings INTERFACE -Werror)
endif()

add_library(sluice_root INTERFACE)
target_include_directories(sluice_root INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
target_compile_features(sluice_root INTERFACE cxx_std_23)

function(room name)
  cmake_parse_arguments(ROOM "PURE" "" "SOURCES;LINKS;SYSTEM" ${ARGN})
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  if(ROOM_SOURCES)
    add_library(${name} STATIC ${ROOM_SOURCES})
    set(scope PUBLIC)
    target_link_libraries(${name} PRIVATE sluice_warnings)
  else()
    add_library(${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(${name} ${scope} sluice_root ${ROOM_LINKS} ${ROOM_SYSTEM})
  target_sources(${name} ${scope} FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR} FILES ${headers})
endfunction()

# program(sluicectl SOURCES main.cc LINKS ...): lands in build/<preset>/bin.
function(program name)
  cmake_parse_arguments(PROGRAM "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${PROGRAM_SOURCES})
  target_link_libraries(${name} PRIVATE sluice_warnings sluice_root ${PROGRAM_LINKS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()
