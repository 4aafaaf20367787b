// SPDX-License-Identifier: Apache-2.0
// SharedRef: a counted reference whose holder can tell for sure that it is the only one left.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace weir::detail {

/// Base of what is shared between a table and the snapshots taken of it.
class SharedBody {
 public:
  SharedBody() = default;
  SharedBody(const SharedBody&) : SharedBody() {}
  SharedBody& operator=(const SharedBody&) = delete;

 protected:
  virtual ~SharedBody() = default;

 private:
  template <class T>
  friend class SharedRef;
  mutable std::atomic<std::uint32_t> references_{1};
};

/// Keeps a body alive. Shared by one table, which alone may change the body while it is the only
/// holder, and by snapshots, which only read; the last one frees it.
///
/// Thread: a reference belongs to one thread, the body's count to all.
template <class T>
class SharedRef {
 public:
  SharedRef() = default;
  template <class... Args>
  static SharedRef make(Args&&... args) {
    return SharedRef(new T(std::forward<Args>(args)...));
  }
  SharedRef(const SharedRef& other) : body_(other.body_) { retain(); }
  SharedRef(SharedRef&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  template <class U>
    requires std::is_convertible_v<U*, T*>
  SharedRef(SharedRef<U> other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  SharedRef& operator=(SharedRef other) noexcept {
    std::swap(body_, other.body_);
    return *this;
  }
  ~SharedRef() {
    if (body_ != nullptr && body_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
      const SharedBody* body = body_;
      delete body;
    }
  }

  T* get() const { return body_; }
  T* operator->() const { return body_; }
  T& operator*() const { return *body_; }
  explicit operator bool() const { return body_ != nullptr; }

  /// Whether somebody else may still read the body. Once false for the only holder, what others
  /// read of it has happened before, so that it may be changed.
  bool is_shared() const { return body_->references_.load(std::memory_order_acquire) != 1; }

 private:
  template <class U>
  friend class SharedRef;
  explicit SharedRef(T* body) : body_(body) {}
  void retain() const {
    if (body_ != nullptr) {
      body_->references_.fetch_add(1, std::memory_order_relaxed);
    }
  }

  T* body_ = nullptr;
};

}  // namespace weir::detail
